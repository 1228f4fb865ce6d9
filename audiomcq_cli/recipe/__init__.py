"""Reads a recipe and checks it.

=====  ==============================================
read   What does a recipe say?
check  What is wrong with it, and where?
lines  On which line of a TOML text does a key stand?
specs  What does ``ADAPTER:PATH`` name?
=====  ==============================================
"""
