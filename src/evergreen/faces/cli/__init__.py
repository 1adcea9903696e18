"""The command line: a thin skin over the same messages, one file a group of commands."""
