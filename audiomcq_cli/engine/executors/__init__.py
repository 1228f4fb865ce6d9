"""Runs units of work and local analyses.

=======  ============================================================
local    How many shards are open at once in this process?
workers  How do worker processes analyse clips, and what if one dies?
=======  ============================================================
"""
