"""The HTTP interface: `/v1` for programs, health and metrics for operators."""
