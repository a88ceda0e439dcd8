"""The directory in which members find each other: what a profile holds, how words are read, and how hits rank. Pure."""
