"""audiomcq turns captioned audio into a released multiple-choice-question corpus."""

__version__ = "0.1.0"
