"""The mirror's door: a witness's, and how far it has recomputed."""
