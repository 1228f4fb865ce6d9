"""Questions whose key is proved by numbers: times of known events, what was measured, and words that were heard."""
