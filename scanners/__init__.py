"""Programs that read labels where the labels are: pictures, folders, cameras, handheld scanners, and the way home.

They run on other machines than the ledger and import `chemtrace.core` only (extra `scan`).
"""
