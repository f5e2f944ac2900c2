"""The stages of an item's life, one module each: pure rules from (state, event, facts) to a `Move`."""
