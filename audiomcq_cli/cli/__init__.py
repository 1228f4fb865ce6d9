"""The command line, and the only place that prints.

============  =======================================================
main          the table of all commands
commands      the commands, one file each
options       makes flags from declared options
console       writes data to stdout and messages to stderr
ending        ends the program: message, exit code, JSON
streams       makes the three standard streams usable
session       runs jobs for a command and sums up
preflight     finds what would stop a stage before anything is paid for
owning        checks which corpus a folder belongs to
naming        names the recipe, models and judges that apply
progress      shows the progress of a stage
kept_nothing  explains a stage that keeps nothing
pushing       reports on a push
dry_run       shows the estimates of a dry run
looking       names the command that shows the items behind a count
belonging     explains options that ``run`` does not have
tracing_text  writes a trace as text
reference     makes docs/commands.md
============  =======================================================
"""
