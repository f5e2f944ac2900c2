"""Bringing past records in: a mapping reads each row of a sheet as a movement, and a movement becomes signed events.

`mapping` and `reading` are pure; `campaign` runs an import through ports that a door fills.
"""
