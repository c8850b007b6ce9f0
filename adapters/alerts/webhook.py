"""Alerts to a webhook that takes Slack's messages."""

import httpx

from adapters.alerts.message import ChannelError, Message

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_MARKS = {"note": ":information_source:", "warning": ":warning:", "critical": ":rotating_light:"}


class Webhook:
    """Posts ``{"text": …}``, which Slack, Mattermost and Rocket.Chat understand."""

    name = "webhook"

    def __init__(self, url: str, *, timeout: httpx.Timeout = _TIMEOUT) -> None:
        self._url = url
        self._timeout = timeout

    def send(self, message: Message) -> None:
        """Post a message.

        Raises
        ------
        ChannelError
            If it was not answered by 2xx. The address is a secret and stays untold.
        """
        try:
            reply = httpx.post(self._url, json={"text": _text(message)}, timeout=self._timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise ChannelError(f"The webhook did not answer ({type(e).__name__}).") from None
        if not reply.is_success:
            raise ChannelError(f"The webhook answered HTTP {reply.status_code}.")


def _text(message: Message) -> str:
    """Slack's three signs of its own are escaped, so that a message can mention nobody."""
    said = f"*{message.severity.upper()}* {message.text}"
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        said = said.replace(sign, escaped)
    return f"{_MARKS[message.severity]} {said}\n{message.at} · <{message.link}|Acknowledge>"
