"""The doors: HTTP interface, command line, pages and the demo city."""
