"""The committed limits, universe and gates, and what a damaged one is told."""

from decimal import Decimal
from pathlib import Path

import pytest

from config import gates, limits, universe
from config.documents import ROOT
from config.settings import SettingsError


def test_the_committed_limits_are_the_written_ones() -> None:
    told = limits.load()

    # Order safety: single position 5 % (ceiling 20 %), sector 40 %, trade risk 0.4 %, 10,000 USD
    assert told.position_share == Decimal("0.05")
    assert told.position_ceiling == Decimal("0.20")
    assert told.sector_share == Decimal("0.40")
    assert told.trade_risk == Decimal("0.004")
    assert told.four_eyes_notional == Decimal(10000)
    assert told.consecutive_losses == 8


def test_the_strict_profile_replaces_what_it_names(tmp_path: Path) -> None:
    text = (ROOT / "limits.toml").read_text()
    path = tmp_path / "limits.toml"
    path.write_text(text.replace('profile = "default"', 'profile = "strict"'))

    assert limits.load(path).consecutive_losses == 3
    assert limits.load(path).positions == limits.load().positions


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("collar = 0.05", "collar = 5", r"`collar` was 5 .*: 1 or less"),
        ("collar = 0.05", "coller = 0.05", r"Unknown key `coller`"),
        (
            "position_ceiling = 0.20",
            "position_ceiling = 0.01",
            r"limits.toml do not agree. Wanted: position_share <= position_c",
        ),
        ('profile = "default"', 'profile = "brave"', r"profile 'brave'"),
        ("[strict]", "[strickt]", r"\[default\] and \[strict\]"),
        ("[strict]", "[strict", r"not valid TOML"),
    ],
)
def test_a_wrong_limit_is_told_by_name(tmp_path: Path, before: str, after: str, said: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text((ROOT / "limits.toml").read_text().replace(before, after))

    with pytest.raises(SettingsError, match=said):
        limits.load(path)


def test_the_universe_of_the_embedded_desk_admits_its_hindsight() -> None:
    told = universe.load(environ={})

    assert told.names == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert told.point_in_time is False
    assert told.minimum_history == 252


def test_a_home_may_have_a_universe_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "universe.toml").write_text(
        'name = "one"\nminimum_history = 20\n'
        '[[symbols]]\nsymbol = "SYN001"\nlabel = "Synthetic 1"\nsector = "Sector 1"\n'
    )

    assert universe.load(environ={"DESK_HOME": str(tmp_path)}).names == ("SYN001",)


def test_a_gate_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    path.write_text('[gates.sharpe]\nthreshold = 1.0\nreason = "so"\n')

    with pytest.raises(SettingsError, match=r"gates.sharpe.reason"):
        gates.load(path)
    path.write_text('[gates.sharpe]\nthreshold = 1.0\nreason = "twice the index over a century"\n')
    assert gates.load(path)["sharpe"].threshold == Decimal("1.0")


def test_a_gate_cannot_be_told_to_compare_otherwise_than_it_does(tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    gate = '[gates.trades]\nthreshold = 100\nreason = "fewer could be one good trade"\n'

    path.write_text(gate + 'comparison = ">="\n')
    with pytest.raises(SettingsError) as refused:
        gates.load(path)
    assert str(refused.value) == (
        f"The values in {path} do not agree. Wanted: `gates.trades.comparison` to be '>', as the "
        "gate is judged, or no such line; it was '>='."
    )
    path.write_text(gate + 'comparison = "=="\n')
    with pytest.raises(SettingsError, match=r"gates\.trades\.comparison` was '=='"):
        gates.load(path)
    for right in ('comparison = ">"\n', ""):
        path.write_text(gate + right)
        assert gates.load(path)["trades"].threshold == 100
