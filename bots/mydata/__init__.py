"""Copies of what is held about members: what the bots hold, and what they say of it."""
