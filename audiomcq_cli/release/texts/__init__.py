"""Writes what people and machines read about a release.

=============  ===================================================
card           What does the dataset card consist of?
card_sections  What does each section of the card say?
samples        Which sample questions are shown?
settings       How are settings written for people?
known_limits   Which limits does the card state?
changelog      What changed since the version before?
croissant      What does ``croissant.json`` say?
citation       How is the release cited?
plots          How are the plots drawn?
recipe         With which recipe and prompts can it be made again?
summary        What is in ``statistics.json``?
=============  ===================================================
"""
