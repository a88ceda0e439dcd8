"""What a post of a blog is, says and shows: pure, and the same for the module, the bots and the portal."""
