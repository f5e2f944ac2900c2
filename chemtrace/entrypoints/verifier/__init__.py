"""The inspector's page, one HTML file that checks proofs with no network; built from scanners/web/verifier."""
