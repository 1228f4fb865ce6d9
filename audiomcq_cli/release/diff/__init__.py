"""Compares two releases, or two folders of a stage.

========  ===========================================================
compare   compares everything
rows      finds added, removed and changed rows
made      compares card, settings and prompts
parts     arranges a diff into parts for a reader
text      writes a diff for a terminal, for GitHub, for machines
versions  finds the version number that a change needs
========  ===========================================================
"""
