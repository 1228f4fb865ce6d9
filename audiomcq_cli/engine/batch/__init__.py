"""Answers a whole stage by a provider's batch API, in rounds.

========  ====================================================================
rounds    How does a stage go over its shards between two batches?
store     Which batches are under way, and which replies wait for their shard?
transfer  How are request files sent and results fetched?
watch     What is known of one batch that is waited for?
========  ====================================================================
"""
