import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from quality import verdicts
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Judgement
from tests.unit.quality.market import index, planted, rows, splits

LAST = date(2012, 7, 3)
AT = datetime(2012, 7, 5, 14, 0, tzinfo=UTC)


@pytest.fixture(name="judgement")
def _judgement() -> Judgement:
    frame = planted(rows("AAPL", date(2012, 1, 3), LAST), LAST, close=pl.lit(59.94))
    return judge_daily(frame, calendar=exchange(), actions=splits(), index=index())


def test_verdicts_are_known_at_the_close_of_their_session(judgement: Judgement) -> None:
    frame = verdicts.verdict_rows(judgement, known_at=exchange().close, report="validations/x.html")

    last = frame.filter(pl.col("session") == LAST).row(0, named=True)
    assert last["known_at"] == datetime(2012, 7, 3, 17, 0, tzinfo=UTC)
    assert (last["status"], last["report"]) == ("held", "validations/x.html")
    assert frame.height == judgement.verdicts.height


def test_findings_keep_their_figures_as_json(judgement: Judgement) -> None:
    frame = verdicts.finding_rows(judgement, known_at=exchange().close)

    unit = frame.filter(rule="unit_is_right").row(0, named=True)
    assert json.loads(unit["figures"])["factor"] == 0.1
    assert unit["severity"] == "error"


def test_a_held_row_is_kept_as_it_arrived_and_comes_back_unchanged(judgement: Judgement) -> None:
    held = verdicts.quarantine_rows(judgement, known_at=exchange().close).row(0, named=True)

    decision = verdicts.decide(
        held, status="released", person="steward", reason="Checked with the exchange.", known_at=AT
    )

    delivered = judgement.held.drop("finding_id", "rule")
    assert decision.bars.select(delivered.columns).equals(delivered, null_equal=True)
    assert decision.verdict.row(0, named=True)["status"] == "released"
    assert decision.quarantine.row(0, named=True)["person"] == "steward"
    assert decision.quarantine.row(0, named=True)["quarantine_id"] == held["quarantine_id"]


def test_a_confirmed_row_stays_out(judgement: Judgement) -> None:
    held = verdicts.quarantine_rows(judgement, known_at=exchange().close).row(0, named=True)

    decision = verdicts.decide(
        held, status="confirmed", person="steward", reason="Wrong.", known_at=AT
    )

    assert decision.bars.is_empty()
    assert decision.verdict.row(0, named=True)["known_at"] == AT


def test_a_row_is_decided_once_and_with_a_reason(judgement: Judgement) -> None:
    held = verdicts.quarantine_rows(judgement, known_at=exchange().close).row(0, named=True)

    with pytest.raises(verdicts.DecisionError, match="a reason"):
        verdicts.decide(held, status="released", person="steward", reason=" ", known_at=AT)
    with pytest.raises(verdicts.DecisionError, match="Only a held row"):
        verdicts.decide(
            {**held, "status": "released", "person": "a"},
            status="confirmed", person="b", reason="c", known_at=AT,
        )  # fmt: skip


def test_the_same_delivery_has_the_same_quarantine_ids(judgement: Judgement) -> None:
    once = verdicts.quarantine_rows(judgement, known_at=exchange().close)
    again = verdicts.quarantine_rows(judgement, known_at=exchange().close)

    assert once["quarantine_id"].to_list() == again["quarantine_id"].to_list()
