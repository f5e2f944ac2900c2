"""I/O at the edge: each module here implements a port of the rings further in."""
