"""Proof files that are checked with no network: the bundle of one subject and the short status proof."""
