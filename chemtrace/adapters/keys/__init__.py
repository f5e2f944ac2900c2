"""Keys at rest: private keys as 0600 files, the master key, and the vault that signs checkpoints."""
