"""The demo city: an invented Beijing that plays one believable week through the real doors."""
