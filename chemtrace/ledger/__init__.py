"""Use cases of the log: admit, sequence, publish, prove, audit. No framework, no driver: ports lead outside."""
