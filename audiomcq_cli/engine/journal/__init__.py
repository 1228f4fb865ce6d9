"""Keeps every reply, once, in one SQLite file a shard.

=========  ================================================================
journal    How are replies written in groups and looked up by key?
file       How is a journal file created, locked, opened and found damaged?
reuse      Where are replies found that this shard's journal lacks?
pack       How do all journals of a work folder become one file, and back?
pack_file  What is in a packed journal?
=========  ================================================================
"""
