"""The commands, their shared options, and the only place that prints an error."""
