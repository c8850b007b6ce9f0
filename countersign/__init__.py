"""What an operator types: the command line and the supervisor of the desk's processes."""
