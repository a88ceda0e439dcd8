"""The directory: profiles, and the search by which members find each other."""
