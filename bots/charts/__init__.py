"""Charts: what one shows (`bars`), how it is drawn (`drawing`), and the process in which that is done (`artist`)."""
