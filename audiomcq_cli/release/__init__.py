"""Makes the release folder: configurations, card, statistics."""
