"""Formats of existing multiple-choice question sets: one file each."""
