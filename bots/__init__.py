"""The bots: one application service behind one durable inbox."""
