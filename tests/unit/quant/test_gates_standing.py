"""What a recorded state counts for: a waiver ends, and a live desk knows none."""

from datetime import UTC, datetime, timedelta

import pytest

from quant.gates import Standing, standing

END = datetime(2012, 8, 1, 21, 0, tzinfo=UTC)
BEFORE = END - timedelta(microseconds=1)


def test_a_champion_by_a_waiver_is_one_until_it_ends() -> None:
    assert standing("champion", END, at=BEFORE, live=False) == Standing("champion")

    ended = standing("champion", END, at=END, live=False)

    assert ended.status == "challenger"
    assert "a waiver that ended on 2012-08-01 21:00 UTC" in ended.reason


def test_on_a_live_desk_no_waiver_holds() -> None:
    here = standing("champion", END, at=BEFORE, live=True)

    assert here.status == "challenger"
    assert "holds on paper only" in here.reason


@pytest.mark.parametrize("live", [False, True])
def test_a_champion_past_every_gate_stays_one(live: bool) -> None:
    assert standing("champion", None, at=END, live=live) == Standing("champion")


@pytest.mark.parametrize("status", ["challenger", "retired", "demoted"])
def test_an_ended_waiver_gives_no_other_state_back(status: str) -> None:
    assert standing(status, END, at=END, live=True) == Standing(status)
