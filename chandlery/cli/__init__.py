"""The command line: verbs that parse, call one room, and print."""
