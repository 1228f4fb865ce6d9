"""Checks a release or a stage folder.

========  ==============================================
validate  runs all checks in order
rows      checks every row against its columns and rules
card      checks the card against the rules of the Hub
audio     checks that audio opens and matches its hash
========  ==============================================
"""
