"""Reads a recipe and checks it.

=======  ==========================================================
jobs     Which stages does a run have, and with what is each begun?
read     What does a recipe say?
check    What is wrong with it, and where?
lines    On which line of a TOML text does a key stand?
options  How are declared options checked and built from a table?
specs    What does ``ADAPTER:PATH`` name?
=======  ==========================================================
"""
