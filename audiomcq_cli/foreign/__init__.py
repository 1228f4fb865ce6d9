"""Reads files from untrusted authors: one module for each format.

A manifest, a dataset card, a packed journal and the prompts in a manifest may come from anybody. Each module limits
size, depth and time, and turns every fault into an ``InputError`` with the file and a hint.

=============  =======================================================================
``json``       manifests, statistics, Croissant, run logs, notes in Parquet footers
``shape``      checks that parsed data has the fields and types of a JSON Schema
``yaml``       the head of a dataset card
``toml``       prompts and recipes
``sqlite``     journals: our own tables and nothing else
``templates``  prompts from a manifest, rendered in a process that can be ended
=============  =======================================================================
"""
