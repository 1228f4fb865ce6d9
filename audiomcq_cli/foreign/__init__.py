"""What other people's files say: one boundary for each language that such files are written in.

A manifest, a dataset card, a packed journal and the prompts in a manifest may come from anybody. Each boundary bounds
size, depth and time, and turns whatever is wrong into an ``InputError`` that names the file and what to do about it.

=============  ====================================================================================================
``json``       Manifests, statistics, Croissant, run logs, notes in Parquet footers
``shape``      Whether parsed data has the fields and types that a JSON Schema asks for
``yaml``       The head of a dataset card
``toml``       Prompts and recipes
``sqlite``     Journals: our own tables and nothing else
``templates``  Prompts out of a manifest, rendered in a process of their own that can be ended
=============  ====================================================================================================
"""
