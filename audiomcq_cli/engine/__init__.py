"""Drives the flows of the stages: drivers, journal, limits, shards, executors."""
