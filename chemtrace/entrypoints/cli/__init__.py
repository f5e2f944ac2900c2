"""The command line: one module a command, each with `register(app)`; `main` finds them."""
