"""What a channel carries, and how it fails."""

from dataclasses import dataclass

from trading.errors import RetryError


class ChannelError(RetryError):
    """A message was not taken, or nobody knows whether it was; no address or secret is told."""


@dataclass(frozen=True)
class Message:
    """An alert as people read it away from the desk."""

    severity: str  # note | warning | critical
    text: str
    kind: str
    subject: str
    at: str  # as people read it
    link: str  # of the page where it is acknowledged

    @property
    def headline(self) -> str:
        """Return severity and text in one line."""
        return f"{self.severity.upper()}: {self.text}"
