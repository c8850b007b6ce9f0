"""Alerts arrive as a webhook's post and as a letter; failures tell why and no secret."""

import base64

import pytest

from adapters.alerts import ChannelError, Message, from_settings
from config.alerts import AlertSettings
from tests.unit.adapters_alerts.receivers import mail_server, webhook

SAID = Message(
    severity="critical",
    text="The broker holds <!channel> & 5 IBM,\nthe desk none.",
    kind="unknown_position",
    subject="IBM",
    at="Tue 3 Jul 2012 13:31 UTC",
    link="http://127.0.0.1:8501/alerts",
)


def _mail(port: int, **more: object) -> AlertSettings:
    return AlertSettings.model_validate(
        {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            "mail_from": "desk@example.com",
            "mail_to": "maria@example.com, jan@example.com",
        }
        | more
    )


def test_a_webhook_is_posted_a_text_that_mentions_nobody() -> None:
    with webhook() as posts:
        from_settings(AlertSettings(webhook_url=posts.url))["webhook"].send(SAID)

    (body,) = posts.bodies
    assert set(body) == {"text"}
    assert "*CRITICAL* The broker holds &lt;!channel&gt; &amp; 5 IBM" in body["text"]
    assert "<http://127.0.0.1:8501/alerts|Acknowledge>" in body["text"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_a_failure(status: int) -> None:
    with webhook() as posts:
        posts.status = status
        with pytest.raises(ChannelError, match=f"HTTP {status}") as told:
            from_settings(AlertSettings(webhook_url=posts.url))["webhook"].send(SAID)

    assert "secret" not in str(told.value)


def test_a_webhook_that_is_away_is_a_failure_that_keeps_the_address() -> None:
    with webhook() as posts:
        url = posts.url
    with pytest.raises(ChannelError, match="did not answer") as told:
        from_settings(AlertSettings(webhook_url=url))["webhook"].send(SAID)

    assert "secret" not in str(told.value)


def test_a_letter_reaches_every_receiver() -> None:
    with mail_server() as mails:
        told = _mail(mails.port, smtp_user="desk", smtp_password="geheim")
        from_settings(told)["email"].send(SAID)

    (letter,) = mails.letters
    assert letter["Subject"] == ("CRITICAL: The broker holds <!channel> & 5 IBM, the desk none.")
    assert mails.receivers == ["maria@example.com", "jan@example.com"]
    assert base64.b64decode(mails.users[0]) == b"\0desk\0geheim"
    assert "Acknowledge: http://127.0.0.1:8501/alerts" in letter.get_content()


def test_a_refused_receiver_is_a_failure() -> None:
    with mail_server() as mails:
        mails.refuses = "jan@"
        with pytest.raises(ChannelError, match=r"refused jan@example\.com"):
            from_settings(_mail(mails.port))["email"].send(SAID)


def test_a_password_is_never_sent_in_the_clear_unless_told_so() -> None:
    with mail_server() as mails:
        told = _mail(mails.port, smtp_security="starttls", smtp_user="desk", smtp_password="x")
        with pytest.raises(ChannelError, match="did not take it"):
            from_settings(told)["email"].send(SAID)

    assert (mails.users, mails.letters) == ([], [])


def test_only_channels_with_an_address_are_used() -> None:
    assert from_settings(AlertSettings()) == {}
    both = _mail(25, webhook_url="https://hooks.example.com/x", channels="email,webhook")
    assert list(from_settings(both)) == ["email", "webhook"]
