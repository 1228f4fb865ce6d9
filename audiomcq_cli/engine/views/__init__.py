"""Looks at folders without changing them.

=======  ===================================================
status   How far is each stage?
trace    What is behind a row: prompts, replies, decisions?
finding  Which items does a folder hold, by id or at random?
dry_run  What would a run send, take and cost?
=======  ===================================================
"""
