"""What a first materialisation is of: another one is made where that changes."""

from pathlib import Path

import pytest

from config.documents import ROOT
from countersign.processes.tasks import _subject
from quant.features import DAILY


def test_another_universe_or_other_features_are_materialised_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_HOME", str(tmp_path))
    committed = _subject()
    told = (ROOT / "universe.toml").read_text().replace('name = "sample"', 'name = "mine"')
    (tmp_path / "universe.toml").write_text(told)

    mine = _subject()

    assert set(committed.values()) == {DAILY.version, "sample/equities/daily"}
    assert set(mine.values()) == {DAILY.version, "mine/equities/daily"}
    assert committed.keys() == mine.keys()
