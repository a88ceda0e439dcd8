"""What a digest holds for one member: pure, out of facts without content."""
