"""Pads as files: read as Markdown and written anew as HTML, Word or PDF, in a process of its own."""
