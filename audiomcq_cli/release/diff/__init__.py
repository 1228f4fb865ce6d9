"""Compares two releases, or two folders of a stage.

========  ===========================================================
compare   What changed, in all?
rows      Which rows were added, removed, changed?
made      What else is compared: card, settings, prompts?
parts     In which parts does a person read it?
text      How is it written for a terminal, for GitHub, for machines?
versions  Which version number does a change ask for?
========  ===========================================================
"""
