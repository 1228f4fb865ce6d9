"""The stages: each file says what one stage does, as a pure description."""
