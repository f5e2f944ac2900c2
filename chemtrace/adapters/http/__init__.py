"""HTTP clients: bounded in time and size, behind ports of the ledger."""
