"""Formats of multiple-choice questions that exist: one file each."""
