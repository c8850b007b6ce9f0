"""A champion counts as one while its waiver and its policy hold; on a live desk no waiver does."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import polars as pl

from assets.desk_time import decision_time, market_now
from assets.picture import Viewer
from assets.policies import policy
from assets.proposing import known_of
from quant.features import DAILY
from tests.integration.ledger.cases import OPEN, SESSION, proposed
from trading.pretrade import judge_leg
from trading.proposals import CheckResult
from warehouse import evidence, features, models

LEG = proposed("IBM").legs[0]
MODEL = "toy-daily/1"


def _champion(viewer: Viewer, waived_until: datetime | None) -> None:
    row = {
        "model_version": MODEL, "run_id": "r", "feature_version": "f", "snapshot_id": 1,
        "programme": "sample/equities/daily", "first_session": SESSION, "last_session": SESSION,
        "rows": 10, "horizon": 5, "hyperparameters": "{}", "base_rate": 0.5, "calibration": "[]",
        "importance": "[]", "simulated": False, "status": "champion",
        "trained_at": decision_time(SESSION), "waived_until": waived_until,
    }  # fmt: skip
    told = pl.DataFrame([row], schema=models.VERSION_SCHEMA)
    viewer.warehouse.write(lambda c: models.record_version(c, told), "models.versions")
    with viewer.warehouse.writer("features.versions") as conn:
        features.register(conn, DAILY.version, DAILY.names)


def _asked(viewer: Viewer) -> CheckResult:
    """Check 7, asked of an entry."""
    picture = viewer.picture(["IBM"], session=SESSION, strategy="trend", model_version=MODEL)
    environment = viewer.settings.mode if viewer.settings.mode == "live" else "replay"
    return judge_leg(replace(picture, environment=environment), LEG)[6]


def _advisory(viewer: Viewer) -> bool:
    known = known_of(
        viewer.warehouse, viewer.universe, SESSION, ["trend"], settings=viewer.settings,
        at=market_now(viewer.ledger),
    )  # fmt: skip
    return known.is_advisory("trend")


def test_while_the_waiver_holds_the_model_is_champion(viewer: Viewer) -> None:
    _champion(viewer, OPEN + timedelta(seconds=1))

    assert _asked(viewer).sentence == f"Model {MODEL} is champion."
    assert not _advisory(viewer)


def test_after_it_the_model_is_advisory_and_the_check_says_why(viewer: Viewer) -> None:
    _champion(viewer, OPEN)

    answer = _asked(viewer)

    assert not answer.denies
    assert answer.sentence == (
        f"Model {MODEL} is advisory, which is allowed here. It was made champion by a waiver that "
        "ended on 2012-07-03 13:30 UTC: until it is promoted anew it is a challenger."
    )


def test_proposals_of_a_session_after_it_carry_the_word(viewer: Viewer) -> None:
    _champion(viewer, decision_time(SESSION))

    assert _advisory(viewer)


def test_a_live_desk_refuses_its_entries_although_the_waiver_has_not_ended(viewer: Viewer) -> None:
    _champion(viewer, OPEN + timedelta(days=30))
    live = replace(viewer, settings=viewer.settings.model_copy(update={"mode": "live"}))

    answer = _asked(live)

    assert answer.denies
    assert "holds on paper only" in answer.sentence
    assert _advisory(live)


def test_under_another_policy_check_proposals_and_sentence_agree(viewer: Viewer) -> None:
    _champion(viewer, None)
    judged = {"policy": asdict(policy(viewer.settings)) | {"k": 5}}
    viewer.warehouse.write(lambda conn: evidence.store(conn, MODEL, judged), "models.evidence")

    answer = _asked(viewer)

    assert answer.sentence == (
        f"Model {MODEL} is advisory, which is allowed here. Its gates judged another policy: "
        "k 5, now 3."
    )
    assert _advisory(viewer)


def test_a_champion_past_every_gate_is_one_on_a_live_desk_as_well(viewer: Viewer) -> None:
    _champion(viewer, None)
    live = replace(viewer, settings=viewer.settings.model_copy(update={"mode": "live"}))

    assert not _asked(live).denies
    assert not _advisory(live)
