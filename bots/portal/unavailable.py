"""What is raised where the homeserver cannot be asked."""


class Unavailable(Exception):
    """The homeserver gave no answer that counts, so the answer is no."""
