"""Questions without a model: what is heard is read out of captions and known events, and asked about."""
