"""The auditing mirror: follows a log from outside, recomputes everything, and only then lets its witness cosign.

Nothing here trusts the log. What it shows is checked against its own signed checkpoints and against what was shown
before; what contradicts is kept as evidence and never repaired.
"""
