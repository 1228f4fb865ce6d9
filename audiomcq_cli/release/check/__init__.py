"""Checks a release or a stage folder.

========  ==============================================
validate  Which checks are made, in which order?
rows      Is every row as its columns and rules demand?
card      Is the card right by the rules of the Hub?
audio     Does audio open, and is it what its hash says?
========  ==============================================
"""
