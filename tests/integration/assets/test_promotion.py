"""A champion is one in the registry and in the warehouse, and only after every gate."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from adapters.mlflow.registry import PromotionRefusedError
from assets.promotion import UnknownModelError, promote, roll_back
from config import gates as gates_file
from quant.gates import Candidacy, Decision, Evidence, Waiver, judge
from warehouse import Warehouse, models
from warehouse.place import Place

TRAINED = datetime(2012, 6, 29, 20, 15, tzinfo=UTC)
NOW = datetime(2012, 7, 2, 21, 0, tzinfo=UTC)
THRESHOLDS = {name: gate.threshold for name, gate in gates_file.load().gates.items()}
GOOD = Evidence(
    walk_forward_sharpe=1.4, deflated_sharpe=0.97, overfitting_probability=0.05,
    combinatorial_sharpe=0.3, track_record=2800, track_record_needed=900, scaled_drawdown=0.12,
    trades=400, hit_rate=0.54, leakage_probes=True, regime_stability=0.2,
    universe_point_in_time=True, real_data=True,
)  # fmt: skip


class Alias:
    """The champion alias, with the promises of the registry."""

    def __init__(self) -> None:
        self.held: list[int] = []

    def promote(self, decision: Decision) -> int | None:
        if not decision.promoted:
            raise PromotionRefusedError("; ".join(decision.refusals))
        before = self.held[-1] if self.held else None
        self.held.append(int(decision.candidacy.model_version.rpartition("/")[2]))
        return before

    def roll_back(self, name: str, *, by: str, reason: str) -> tuple[int, int]:
        return self.held.pop(), self.held[-1]


def candidacy(number: int) -> Candidacy:
    return Candidacy(
        model_version=f"toy-daily/{number}", signer="ann", trainer="desk",
        reason="It met every gate for two quarters.", environment="paper", asked_at=NOW,
    )  # fmt: skip


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    for number, evidence in enumerate((GOOD, GOOD, replace(GOOD, trades=60)), start=1):
        _store(made, number, evidence)
    yield made
    made.close()


def _store(warehouse: Warehouse, number: int, evidence: Evidence, *, universe: str = "toy") -> None:
    version = {
        "model_version": f"{universe}-daily/{number}", "run_id": f"r{number}",
        "feature_version": "f", "snapshot_id": 1, "programme": universe,
        "first_session": TRAINED.date(), "last_session": TRAINED.date(), "rows": 100,
        "horizon": 5, "hyperparameters": "{}", "base_rate": 0.5, "calibration": "[]",
        "importance": "[]", "simulated": False, "status": "challenger", "trained_at": TRAINED,
    }  # fmt: skip
    told = [asdict(verdict) for verdict in judge(evidence, THRESHOLDS)]
    gates = [
        {"gate": one.pop("name"), "model_version": version["model_version"]} | one for one in told
    ]
    with warehouse.writer("models.versions") as conn:
        models.record_version(conn, pl.DataFrame([version], schema=models.VERSION_SCHEMA))
    with warehouse.writer("models.gates") as conn:
        models.record_gates(conn, pl.DataFrame(gates, schema=models.GATE_SCHEMA))


def _states(warehouse: Warehouse) -> dict[str, str]:
    with warehouse.reader() as conn:
        known = models.known_versions(conn, as_of=NOW)
        serving = models.serving(conn, "toy", as_of=NOW)
    told = dict(known.select("model_version", "status").iter_rows())
    return told | {"serving": str(serving["model_version"][0])}


def test_a_champion_serves_until_another_follows_and_again_when_that_is_taken_back(
    warehouse: Warehouse,
) -> None:
    alias = Alias()
    promote(warehouse, alias, candidacy(1))
    assert _states(warehouse)["serving"] == "toy-daily/1"

    promote(warehouse, alias, candidacy(2))
    assert _states(warehouse) == {
        "toy-daily/1": "retired", "toy-daily/2": "champion", "toy-daily/3": "challenger",
        "serving": "toy-daily/2",
    }  # fmt: skip

    again = roll_back(warehouse, alias, "toy-daily", by="bea", reason="Fell below.", at=NOW)

    assert again == "toy-daily/1"
    assert _states(warehouse) == {
        "toy-daily/1": "champion", "toy-daily/2": "retired", "toy-daily/3": "challenger",
        "serving": "toy-daily/1",
    }  # fmt: skip

    with pytest.raises(PromotionRefusedError, match="Trades 60"):
        promote(warehouse, alias, candidacy(3))
    with pytest.raises(UnknownModelError, match="The newest are"):
        promote(warehouse, alias, candidacy(9))
    assert _states(warehouse)["toy-daily/3"] == "challenger"

    waiver = Waiver(
        gate="trades", people=("bea", "carl"), reason="Few trades, each of them reviewed.",
        expires_at=NOW + timedelta(days=30),
    )  # fmt: skip
    assert promote(warehouse, alias, candidacy(3), [waiver]).waived
    assert _states(warehouse)["serving"] == "toy-daily/3"


def _waived_until(warehouse: Warehouse, number: int) -> datetime | None:
    with warehouse.reader() as conn:
        known = models.known_versions(conn, as_of=NOW)
    told = known.filter(pl.col("model_version") == f"toy-daily/{number}")
    end: datetime | None = told["waived_until"][0]
    return end


def test_the_end_of_a_waiver_goes_with_the_champion_it_made(warehouse: Warehouse) -> None:
    alias, end = Alias(), NOW + timedelta(days=30)
    waiver = Waiver("trades", ("bea", "carl"), "Few trades, each of them reviewed.", end)
    promote(warehouse, alias, candidacy(3), [waiver])
    assert _waived_until(warehouse, 3) == end

    longer = replace(waiver, expires_at=end + timedelta(days=30))
    promote(warehouse, alias, candidacy(3), [longer])
    assert _waived_until(warehouse, 3) == end + timedelta(days=30)

    promote(warehouse, alias, candidacy(1), [waiver])  # one for a gate that is met changes nothing
    assert _waived_until(warehouse, 1) is None

    roll_back(warehouse, alias, "toy-daily", by="bea", reason="Fell below.", at=NOW)
    assert _waived_until(warehouse, 3) == end + timedelta(days=30)


def test_another_programmes_champion_is_left_as_it_is(warehouse: Warehouse) -> None:
    _store(warehouse, 1, GOOD, universe="other")
    other = replace(candidacy(1), model_version="other-daily/1")
    promote(warehouse, Alias(), other)
    alias = Alias()
    promote(warehouse, alias, candidacy(1))
    promote(warehouse, alias, candidacy(2))
    roll_back(warehouse, alias, "toy-daily", by="bea", reason="Fell below.", at=NOW)

    assert _states(warehouse)["other-daily/1"] == "champion"
    assert _states(warehouse)["serving"] == "toy-daily/1"
