"""Runs a stage: which shards have work, who answers its requests, what it leaves.

It knows no stage: one is given to it in a ``Job``. ``docs/architecture.md`` follows a row and a request.

=========  ===============================================================================
stage      How is one stage run from its first shard to its manifest?
shard      How does one input shard become kept rows and rejects?
job        What is a stage given: options, input, output, journal?
runtime    What outlives shards: models, prompts, audio, worker processes?
beside     Which files does a stage read beside its input, and what is in them?
prepared   Where does corpus-wide knowledge come from, and where is it kept?
opening    What is asked before the first row, and kept where?
planned    What is made of all rows of a shard before its first flow, and what is kept of it?
progress   How far is a stage, and how fast?
extent     How much is there to do?
keys       What is hashed into a journal key or a fingerprint?
intake     How do sources and question sets become input shards?
due        Which shards are to be made, and why?
flows      How does a request of a flow become a reply?
servers    How does a call reach an address, in time and within limits and budget?
journal    How is every reply kept, once?
batch      How does a provider's batch API answer a whole stage?
executors  Where do units of work and local analyses run?
ledger     What does a stage leave: rows, rejects, counts, run log?
exporting  How do rows become files that a trainer reads?
views      What can be seen of a folder without changing it?
=========  ===============================================================================
"""
