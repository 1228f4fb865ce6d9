"""Analyses clips on this machine, without a language model: probe, measurements, speech, transcript."""
