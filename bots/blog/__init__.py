"""Blogs: posts are members' own messages; here is the index of them, and what the bot and the portal make of it."""
