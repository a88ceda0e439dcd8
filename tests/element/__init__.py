"""Element Web's part: its configuration, the server that serves it, and the module that runs in it."""
