"""The pure core: bytes and values in, values or errors out; no clock, no I/O, no logging, no randomness."""
