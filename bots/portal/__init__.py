"""The portal: the community's pages, for members who have proved in their chat with the steward who they are."""
