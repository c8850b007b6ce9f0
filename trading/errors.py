"""Errors the desk can act on, grouped by the action: stop, retry, ask."""


class DeskError(Exception):
    """Something the desk knows how to answer."""


class StopError(DeskError):
    """Going on would do harm, and trying again will not help."""


class RetryError(DeskError):
    """The same step may succeed a little later."""


class AskError(DeskError):
    """A person must decide or correct something."""


class OrderRejectedError(StopError):
    """The broker said no to an order: it does not exist there."""


class OutcomeUnknownError(RetryError):
    """Nobody knows whether the broker has the order: look it up, never assume."""


class RateLimitedError(RetryError):
    """The broker refused for now, before looking at the request (HTTP 429)."""


class BrokerUnavailableError(RetryError):
    """A question to the broker stayed without a usable answer."""


class IllegalTransitionError(StopError):
    """An order cannot go from its state to the one asked for."""


class OverfillError(StopError):
    """A fill is larger than what is left of its order."""


class ContentMismatchError(StopError):
    """Stored bytes do not have the hash that was signed."""


class NotAllowedError(AskError):
    """The person, state or time does not permit this."""
