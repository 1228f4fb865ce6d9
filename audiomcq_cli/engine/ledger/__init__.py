"""Accounts for every item of a stage.

=========  ==========================================================================
output     How are kept rows and rejects written and put in place together?
report     What does a stage report: items, reasons, calls, money?
manifest   What does the manifest of a finished stage say?
run_log    What did each run do: times, calls, ending?
alive      Which runs are active, and which were killed?
labels     How many questions have which label, and how many votes could not be read?
described  How does a manifest describe a model, and how is it read again?
endings    How did a run end, in words?
=========  ==========================================================================
"""
