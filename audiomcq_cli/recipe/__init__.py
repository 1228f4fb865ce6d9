"""Reads a recipe and checks it.

=======  ========================================================
read     What does a recipe say?
check    What is wrong with it, and where?
lines    On which line of a TOML text does a key stand?
options  How are declared options checked and built from a table?
specs    What does ``ADAPTER:PATH`` name?
=======  ========================================================
"""
