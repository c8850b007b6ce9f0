"""Nothing of a drill runs on a desk that no drill made, and its limits are the desk's own."""

from pathlib import Path

import pytest

from config import limits as limits_module
from countersign.drill.facts import MARK, drill_limits, temporary_settings
from countersign.errors import CommandError

SCALED = {"lease_seconds", "resend_grace_seconds", "orders_per_minute"}


def test_a_real_desk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_HOME", str(tmp_path))

    with pytest.raises(CommandError, match="no drill's desk"):
        temporary_settings()
    (tmp_path / MARK).write_text("{}")
    assert temporary_settings().home == tmp_path


def test_a_desk_with_a_broker_is_refused_even_with_the_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MARK).write_text("{}")
    told = {"MODE": "paper", "BROKER__KIND": "alpaca", "BROKER__KEY_ID": "k"}
    for name, value in (told | {"BROKER__SECRET_KEY": "s"}).items():
        monkeypatch.setenv(f"COUNTERSIGN_{name}", value)
    monkeypatch.setenv("DESK_HOME", str(tmp_path))

    with pytest.raises(CommandError, match="no drill's desk"):
        temporary_settings()


def test_only_waits_and_the_rate_differ_from_the_desk_s_limits() -> None:
    real, drilled = limits_module.load(), drill_limits()

    assert real.model_dump(exclude=SCALED) == drilled.model_dump(exclude=SCALED)
