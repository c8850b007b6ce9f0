"""Alerts by e-mail."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from adapters.alerts.message import ChannelError, Message
from config.alerts import AlertSettings

_TIMEOUT_SECONDS = 15.0


class Email:
    """Sends one message to all receivers through an SMTP server."""

    name = "email"

    def __init__(self, told: AlertSettings) -> None:
        self._told = told

    def send(self, message: Message) -> None:
        """Hand a message to the server.

        Raises
        ------
        ChannelError
            If the server cannot be reached, refuses the desk, or refuses a receiver.
        """
        told = self._told
        try:
            with _server(told) as server:
                if told.smtp_user:
                    server.login(told.smtp_user, told.smtp_password)
                refused = server.send_message(_letter(message, told))
        except (OSError, smtplib.SMTPException) as e:  # its text may repeat what was sent
            raise ChannelError(
                f"The mail server {told.smtp_host} did not take it ({type(e).__name__})."
            ) from None
        if refused:
            raise ChannelError(f"The mail server refused {', '.join(sorted(refused))}.")


@contextmanager
def _server(told: AlertSettings) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if told.smtp_security == "tls":
        with smtplib.SMTP_SSL(
            told.smtp_host, told.smtp_port, timeout=_TIMEOUT_SECONDS, context=context
        ) as server:
            yield server
        return
    with smtplib.SMTP(told.smtp_host, told.smtp_port, timeout=_TIMEOUT_SECONDS) as server:
        if told.smtp_security == "starttls":
            server.starttls(context=context)
        yield server


def _letter(message: Message, told: AlertSettings) -> EmailMessage:
    letter = EmailMessage()
    # A subject is one line, whatever the alert quotes.
    letter["Subject"] = " ".join(message.headline.split())[:200]
    letter["From"] = told.mail_from
    letter["To"] = ", ".join(told.mail_to)
    letter["Date"] = formatdate(localtime=False)
    letter["Message-ID"] = make_msgid(domain="countersign.desk")
    letter.set_content(
        f"{message.text}\n\n{message.at}\nKind: {message.kind}\nAbout: {message.subject}\n\n"
        f"Acknowledge: {message.link}\n"
    )
    return letter
