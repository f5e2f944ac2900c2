"""Storage of the ledger in SQL: SQLite in one file by default, PostgreSQL by one URL; the same code for both."""
