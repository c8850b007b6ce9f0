"""`./desk alerts test` sends through each channel, says which took it, and keeps the secret."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from countersign.commands import alerts
from countersign.errors import CommandError
from tests.unit.adapters_alerts.receivers import Mails, Posts, mail_server, webhook


def _told(monkeypatch: pytest.MonkeyPatch, home: Path, posts: Posts, mails: Mails) -> None:
    given = {
        "DESK_HOME": str(home),
        "COUNTERSIGN_ALERTS__WEBHOOK_URL": posts.url,
        "COUNTERSIGN_ALERTS__SMTP_HOST": "127.0.0.1",
        "COUNTERSIGN_ALERTS__SMTP_PORT": str(mails.port),
        "COUNTERSIGN_ALERTS__SMTP_SECURITY": "none",
        "COUNTERSIGN_ALERTS__MAIL_FROM": "desk@example.com",
        "COUNTERSIGN_ALERTS__MAIL_TO": "maria@example.com,jan@example.com",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def test_each_channel_is_tried_and_one_that_fails_makes_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with webhook() as posts, mail_server() as mails:
        _told(monkeypatch, tmp_path, posts, mails)
        good = CliRunner().invoke(alerts.app, ["test"])
        posts.status = 410
        bad = CliRunner().invoke(alerts.app, ["test"])

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "webhook: taken" in good.output
    assert "email: taken" in good.output
    assert "The webhook answered HTTP 410." in bad.output
    assert "secret" not in bad.output
    assert len(posts.bodies) == 2
    assert mails.receivers == ["maria@example.com", "jan@example.com"] * 2


def test_without_a_channel_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DESK_HOME", str(tmp_path))

    told = CliRunner().invoke(alerts.app, ["test"])

    assert isinstance(told.exception, CommandError)
    assert "COUNTERSIGN_ALERTS__WEBHOOK_URL" in str(told.exception)
