"""Polls (MSC3381): their events read and written, votes counted, deadlines understood. Pure; the clock is given."""
