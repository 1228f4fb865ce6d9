"""Writes and counts the rows of a release.

==========  =================================================
files       writes the Parquet files
embed       chooses the clips to embed and reads their bytes
licenses    knows the licenses that allow redistribution
statistics  counts rows shard by shard
==========  =================================================
"""
