"""The channels that the settings name."""

from typing import Protocol

from adapters.alerts.email import Email
from adapters.alerts.message import ChannelError, Message
from adapters.alerts.webhook import Webhook
from config.alerts import AlertSettings

__all__ = ["Channel", "ChannelError", "Message", "from_settings"]


class Channel(Protocol):
    """Takes messages to people."""

    @property
    def name(self) -> str:
        """As the settings call it."""
        ...

    def send(self, message: Message) -> None:
        """Hand a message over, or raise `ChannelError`."""
        ...


def from_settings(told: AlertSettings) -> dict[str, Channel]:
    """Return the channels that have an address, in the order of escalation."""
    made: dict[str, Channel] = {"webhook": Webhook(told.webhook_url), "email": Email(told)}
    return {name: made[name] for name in told.configured}
