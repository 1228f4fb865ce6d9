"""The stages: one file each, a pure description of what the stage does."""
