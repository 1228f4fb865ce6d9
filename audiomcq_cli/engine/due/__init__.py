"""Decides which shards are to be made, and says why.

=======  ========================================================================
plan     Which shards have work: missing, damaged, changed, or with failed items?
made_of  What is a shard made of, part by part?
causes   What changed since a shard was made, in words?
foresee  What would a run make again? (dry run)
anew     Would a run plan groups anew that models were asked about?
stale    Is a finished stage still that of its input? (status)
=======  ========================================================================
"""
