"""Reads a recipe and checks it.

=======  ==========================================================
jobs     makes the jobs of a run: stages with options and folders
read     reads a recipe
check    finds what is wrong with it, and where
lines    finds the line of a key in a TOML text
options  checks declared options and builds them from a table
specs    reads ``ADAPTER:PATH``
=======  ==========================================================
"""
