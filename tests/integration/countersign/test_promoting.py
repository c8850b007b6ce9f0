"""`./desk promote` and `./desk waive` on a real ledger, warehouse and registry."""

import getpass
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import polars as pl
import pytest
from typer.testing import CliRunner

import ledger
from adapters.mlflow.registry import MlflowRegistry, PromotionRefusedError
from config import settings as settings_file
from countersign.commands import promote, waive
from countersign.errors import CommandError
from ledger import audit, market, people
from quant.gates import NEVER_WAIVED, Evidence, judge
from tests.unit.quant.good_model import GOOD, THRESHOLDS
from tests.unit.worker.desks import clock_at
from warehouse import Warehouse, models
from warehouse.place import Place

NAME = "toy-daily"
TRAINED = datetime(2012, 6, 29, 20, 15, tzinfo=UTC)
WHY = "It met every gate for two quarters."
MARKET_NOW = datetime(2012, 7, 2, 21, 0, tzinfo=UTC)
LATER = "2012-12-31"
PASSWORDS = {"ann": "correct horse", "bea": "battery staple", "vic": "sign nothing"}

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]


@dataclass(frozen=True)
class Desk:
    """Commands typed at a small desk."""

    told: dict[str, str]
    registry: MlflowRegistry
    dsn: str

    def type(
        self, command: object, *words: str, by: str, password: str | None = None
    ) -> tuple[bool, str]:
        """Whether it was done, and what was said."""
        given = PASSWORDS.get(by, "") if password is None else password
        done = CliRunner().invoke(
            command,  # type: ignore[arg-type]  # a Typer
            [*words, "--by", by, "--reason", WHY, "--password-stdin"],
            env=self.told,
            input=f"{given}\n",
        )
        if isinstance(done.exception, CommandError):
            return False, str(done.exception)
        assert done.exit_code == 0, done.output
        return True, " ".join(done.output.split())

    def promote(self, *words: str, by: str, password: str | None = None) -> tuple[bool, str]:
        return self.type(promote.app, *words, by=by, password=password)

    def waive(self, model: str, gate: str, *, by: str, until: str = LATER) -> tuple[bool, str]:
        return self.type(waive.app, model, gate, "--until", until, by=by)

    def champion(self) -> int | None:
        return self.registry.champion(NAME)


@pytest.fixture(scope="module", name="registered")
def _registered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three versions in a registry: of the desk, of the desk, and of Ann."""
    home = tmp_path_factory.mktemp("mlflow")
    address = f"sqlite:///{home / 'runs.db'}"
    client = mlflow.MlflowClient(address, address)
    experiment = client.create_experiment("toy", artifact_location=str(home / "artifacts"))
    client.create_registered_model(NAME)
    for trainer in ("desk", "desk", "ann"):
        run = client.create_run(experiment, tags={"trainer": trainer}).info.run_id
        client.create_model_version(NAME, source=str(home / "artifacts"), run_id=run)
    return address


@pytest.fixture(name="desk")
def _desk(desk_place: Place, registered: str, tmp_path: Path) -> Iterator[Desk]:
    told = {
        "DESK_HOME": str(tmp_path),
        "COUNTERSIGN_DATABASE__DSN": desk_place.dsn,
        "COUNTERSIGN_WAREHOUSE__PATH": str(tmp_path / "warehouse"),
        "COUNTERSIGN_MLFLOW__TRACKING_URI": registered,
    }
    stored = Warehouse(desk_place)
    for number, evidence in enumerate((GOOD, replace(GOOD, trades=60), GOOD), start=1):
        _store(stored, number, evidence)
    stored.close()
    engine = ledger.engine(desk_place.dsn, pool_size=1)
    with engine.begin() as conn:
        market.record_clock(conn, clock_at(MARKET_NOW))
        for login, password in PASSWORDS.items():
            role = "viewer" if login == "vic" else "signatory"
            people.add(
                conn, login=login, display_name=login.title(), roles=(role,), desk_at=TRAINED,
                password=password,
            )  # fmt: skip
        for login in (getpass.getuser(), "somebody-else"):
            people.ensure(
                conn, login=login, display_name=login, roles=("signatory",), origin="os",
                desk_at=TRAINED,
            )  # fmt: skip
    engine.dispose()
    registry = MlflowRegistry(registered)
    yield Desk(told, registry, desk_place.dsn)
    client = mlflow.MlflowClient(registered, registered)
    if registry.champion(NAME) is not None:
        client.delete_registered_model_alias(NAME, "champion")


def _store(stored: Warehouse, number: int, evidence: Evidence) -> None:
    version = {
        "model_version": f"{NAME}/{number}", "run_id": f"r{number}", "feature_version": "f",
        "snapshot_id": 1, "programme": "toy", "first_session": TRAINED.date(),
        "last_session": TRAINED.date(), "rows": 100, "horizon": 5, "hyperparameters": "{}",
        "base_rate": 0.5, "calibration": "[]", "importance": "[]", "simulated": False,
        "status": "challenger", "trained_at": TRAINED,
    }  # fmt: skip
    told = [asdict(verdict) for verdict in judge(evidence, THRESHOLDS)]
    gates = [{"gate": one.pop("name"), "model_version": f"{NAME}/{number}"} | one for one in told]
    with stored.writer("models.versions") as conn:
        models.record_version(conn, pl.DataFrame([version], schema=models.VERSION_SCHEMA))
    with stored.writer("models.gates") as conn:
        models.record_gates(conn, pl.DataFrame(gates, schema=models.GATE_SCHEMA))


def test_nobody_signs_in_another_persons_name(desk: Desk) -> None:
    refusals = (
        (desk.promote(f"{NAME}/1", by="ann", password="battery staple"), "not ann's password"),
        (desk.promote(f"{NAME}/1", by="vic"), "vic may not sign"),
        (desk.promote(f"{NAME}/1", by="nobody"), "Signatories here: "),
        (desk.promote(f"{NAME}/1", by="somebody-else"), f"{getpass.getuser()} is typing"),
        (desk.type(waive.app, f"{NAME}/2", "trades", "--until", LATER, by="bea", password="guess"),
         "not bea's password"),
        (desk.promote(f"{NAME}/3", by="ann"), "ann trained it and cannot sign for it as well"),
    )  # fmt: skip

    for (done, said), wanted in refusals:
        assert not done
        assert wanted in said
    assert desk.champion() is None


def test_a_champion_follows_another_by_two_words_and_goes_back_by_one_action(desk: Desk) -> None:
    assert desk.promote(f"{NAME}/1", by=getpass.getuser())[0]
    assert desk.champion() == 1

    refused, said = desk.promote(f"{NAME}/2", by="ann")
    assert not refused
    assert "Trades 60 (needs > 100)" in said

    assert desk.waive(f"{NAME}/2", "trades", by="ann") == (
        True, f"trades of {NAME}/2 is waived by ann until {LATER}: it takes a second signatory.",
    )  # fmt: skip
    assert not desk.promote(f"{NAME}/2", by="ann")[0]
    # The same person again is no second one.
    assert "second signatory" in desk.waive(f"{NAME}/2", "trades", by="ann")[1]
    assert "it counts, on paper" in desk.waive(f"{NAME}/2", "trades", by="bea")[1]
    assert desk.champion() == 1

    assert desk.promote(f"{NAME}/2", by="ann")[0]
    assert desk.champion() == 2
    client = mlflow.MlflowClient(*[desk.told["COUNTERSIGN_MLFLOW__TRACKING_URI"]] * 2)
    assert "waived by ann and bea until" in client.get_model_version(NAME, "2").tags["waived"]

    assert desk.promote(NAME, "--back", by="bea")[0]
    assert desk.champion() == 1
    engine = ledger.engine(desk.dsn, pool_size=1)
    with engine.begin() as conn:
        assert audit.verify(conn) is None
    engine.dispose()


def test_going_back_to_a_champion_whose_waiver_has_ended_says_so(desk: Desk) -> None:
    for person in ("ann", "bea"):
        assert desk.waive(f"{NAME}/2", "trades", by=person)[0]
    for number in (2, 1):
        assert desk.promote(f"{NAME}/{number}", by=getpass.getuser())[0]
    engine = ledger.engine(desk.dsn, pool_size=1)
    with engine.begin() as conn:
        market.record_clock(conn, clock_at(MARKET_NOW.replace(year=2013)))
    engine.dispose()

    done, said = desk.promote(NAME, "--back", by="bea")

    assert done
    assert said.startswith(f"{NAME}/2 is champion again, signed by Bea. It was made champion by a")
    assert f"ended on {LATER} 00:00 UTC" in said


def test_what_cannot_be_waived_is_refused_at_the_command_line(desk: Desk) -> None:
    refused = (
        *((gate, LATER, "can never be waived") for gate in sorted(NEVER_WAIVED)),
        ("luck", LATER, "No gate is called 'luck'"),
        ("trades", "2012-07-02", "must end later than now"),
    )

    for gate, until, wanted in refused:
        done, said = desk.waive(f"{NAME}/2", gate, by="ann", until=until)
        assert not done
        assert wanted in said
    assert {"deflated_sharpe", "overfitting_probability", "leakage_probes"} < NEVER_WAIVED
    assert "universe_point_in_time" in NEVER_WAIVED


def test_a_waiver_holds_on_paper_alone(desk: Desk) -> None:
    for person in ("ann", "bea"):
        assert desk.waive(f"{NAME}/2", "trades", by=person)[0]
    live = settings_file.load(desk.told).model_copy(update={"mode": "live"})
    engine = ledger.engine(desk.dsn, pool_size=1)
    stored = Warehouse(Place(desk.dsn, f"{desk.told['COUNTERSIGN_WAREHOUSE__PATH']}/"))
    with engine.begin() as conn:
        ann = people.by_login(conn, "ann")
    assert ann is not None

    with pytest.raises(PromotionRefusedError, match="a waiver holds on paper only"):
        promote.changed(live, engine, stored, f"{NAME}/2", ann, reason=WHY, back=False)

    assert desk.champion() is None
    stored.close()
    engine.dispose()
