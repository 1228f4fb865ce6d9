"""Probes: what can be guessed from the text alone."""
