"""What the command line tells a person instead of a traceback."""


class CommandError(Exception):
    """The command cannot be carried out; the message says why and what to do."""
