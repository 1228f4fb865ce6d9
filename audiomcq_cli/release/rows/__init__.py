"""Writes and counts the rows of a release.

==========  ==========================================================================
files       Which Parquet file does a row go into?
embed       Which clips are embedded, and with which bytes?
licenses    Which licenses allow a recording to be passed on?
guesses     How far can the answers be guessed from the text, and may it be published?
statistics  What is counted, shard by shard?
==========  ==========================================================================
"""
