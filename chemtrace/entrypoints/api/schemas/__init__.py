"""The forms of the interface's answers, one module a noun: what OpenAPI says, and what tests hold real answers to.

They describe what `app.reads` gives out and are never in its way: an answer is written from the read value itself. A
client must pass over members that it does not know; new ones may come at any time.
"""
