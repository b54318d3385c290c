"""The command line. Prints data to stdout and logs to stderr; holds no logic of the path."""
