"""The ground under every bot: what comes in is stored, what goes out is sent once."""
