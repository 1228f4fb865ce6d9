"""The command line, and the only place that prints.

============  =======================================================
main          Which commands are there?
commands      What does each command do? One file a command.
options       How do declared options become flags?
console       How are data and words for people written?
ending        How does the program end: message, exit code, JSON?
streams       How are the three standard streams made usable?
session       How are jobs run for a command, and summed up?
preflight     What would stop a stage, before anything is paid for?
owning        To which corpus does a folder belong?
naming        Which recipe, models and judges apply?
progress      What is shown while a stage works?
kept_nothing  What is said when a stage keeps nothing?
pushing       What is said about a push?
dry_run       How is what a run would take written for people?
looking       Which command shows the items behind a count?
block_flags   Which flags say what becomes of blocks?
kept_blocks   Are blocks that models were asked about planned anew?
belonging     Where does an option belong that ``run`` does not have?
tracing_text  How is a trace written for people?
reference     How is docs/commands.md made?
============  =======================================================
"""
