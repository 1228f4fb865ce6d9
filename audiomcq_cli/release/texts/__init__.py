"""Writes what people and machines read about a release.

=============  ===================================================
card           the dataset card as a whole
card_sections  the sections of the card
samples        the sample questions
settings       settings, written for people
known_limits   the limits that the card states
changelog      the changes since the previous version
croissant      metadata for machines (``croissant.json``)
citation       BibTeX entries
plots          the plots
recipe         a recipe and prompts that make the release again
summary        the contents of ``statistics.json``
=============  ===================================================
"""
