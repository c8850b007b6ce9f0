import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pytest

from adapters.mlflow.registry import RegistryUnreachableError
from quality import checks, readings, served
from quant.features import CORE, DAILY
from quant.models import Dataset, FittedModel, Hyperparameters, fit_final
from quant.samples import volatility_daily

TABLES = Path(__file__).parents[3] / "warehouse" / "tables"
DAYS = dg.DailyPartitionsDefinition(start_date="2012-07-01", end_date="2012-07-10")
MONDAY, TUESDAY = date(2012, 7, 2), date(2012, 7, 3)
AT = datetime(2012, 7, 3, 20, 0, tzinfo=UTC)


class Tables:
    """The tables of the warehouse in a plain DuckDB: what the checks ask of it and no more."""

    def __init__(self) -> None:
        self.conn = duckdb.connect()
        for schema in ("market", "quality", "features", "models"):
            self.conn.execute(f"create schema {schema}")
        for path in TABLES.glob("*.sql"):
            if path.name.split("_")[0] in {"market", "quality", "features", "models"}:
                self.conn.execute(path.read_text())

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        yield self.conn.cursor()

    def add(self, table: str, **values: Any) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" for _ in values)
        self.conn.execute(f"insert into {table} ({names}) values ({marks})", list(values.values()))

    def verdict(self, symbol: str, session: date, status: str) -> None:
        self.add(
            "quality.verdicts", dataset="daily_bars", symbol=symbol, session=session,
            status=status, checks=20, checks_passed=20, known_at=AT, recorded_at=AT,
        )  # fmt: skip

    def minutes(self, symbol: str, first: datetime, count: int) -> None:
        """Add a bar for each of `count` minutes."""
        self.conn.execute(
            "insert into market.minute_bars select ?, ?, ? + to_minutes(i), 10.0, 10.0, 10.0, "
            "10.0, 100, 'test', null, false, false, ?, ? from range(?) t(i)",
            [symbol, MONDAY, first, AT, AT, count],
        )

    def bar(self, symbol: str, session: date, *, high: float = 11.0) -> None:
        self.add(
            "market.daily_bars", symbol=symbol, session=session, open=10.0, high=high, low=9.0,
            close=10.0, volume=100, source="test", simulated=False, known_at=AT, assumed=True,
            recorded_at=AT,
        )  # fmt: skip


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def daily_bars() -> None: ...


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def minute_bars() -> None: ...


@dg.asset(deps=[daily_bars], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def daily_features() -> None: ...


@dg.asset(
    deps=[daily_features],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def predictions() -> None: ...


@dg.asset(name="options", partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def quotes() -> None: ...


ASSETS = [daily_bars, minute_bars, daily_features, predictions, quotes]


def ran(tables: Tables, first: date, last: date | None = None) -> dict[tuple[str, str], bool]:
    """Run everything for a session or a range; return asset and check with its outcome."""
    definitions = dg.Definitions(
        assets=ASSETS,
        asset_checks=list(checks.CHECKS),
        resources={"warehouse": tables, "registry": Filed(_model())},
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    options: dict[str, Any] = {"partition_key": str(first)}
    if last is not None:
        options = {
            "tags": {
                "dagster/asset_partition_range_start": str(first),
                "dagster/asset_partition_range_end": str(last),
            }
        }
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False, **options)
    return {
        (e.asset_key.to_user_string(), e.check_name): e.passed
        for e in result.get_asset_check_evaluations()
    }


@pytest.fixture(name="tables")
def _tables() -> Tables:
    return Tables()


@pytest.fixture(name="good")
def _good(tables: Tables) -> Tables:
    for session in (MONDAY, TUESDAY):
        for symbol in ("AAPL", "IBM"):
            tables.verdict(symbol, session, "passed")
            tables.bar(symbol, session)
    return tables


@pytest.mark.parametrize("last", [None, TUESDAY])
def test_a_good_delivery_passes_every_check_in_a_run_of_one_and_of_many(
    good: Tables, last: date | None
) -> None:
    outcomes = ran(good, MONDAY, last)

    assert len(outcomes) == len(checks.CHECKS)
    assert all(outcomes.values())


def _hold(tables: Tables, held: Sequence[str], of: int) -> None:
    names = [*held, *(f"S{i}" for i in range(of - len(held)))]
    for name in names:
        tables.verdict(name, MONDAY, "held" if name in held else "passed")


@pytest.mark.parametrize(
    ("held", "of", "usable"),
    [
        (1, 5, True),  # a fifth of a small universe, one symbol
        (3, 5, True),  # three symbols: still theirs
        (4, 5, False),
        (4, 80, True),  # exactly 5 %
        (5, 80, False),
    ],
)
def test_only_a_systemic_failure_blocks(tables: Tables, held: int, of: int, usable: bool) -> None:
    _hold(tables, [f"H{i}" for i in range(held)], of)

    outcomes = ran(tables, MONDAY)

    assert outcomes["daily_bars", "delivery_is_usable"] is usable
    # The blocked run stops before features are computed.
    assert (("predictions", "serving_matches_training") in outcomes) is usable


def test_a_session_outside_the_run_blocks_nothing(tables: Tables) -> None:
    _hold(tables, ["A", "B", "C", "D"], 4)

    assert ran(tables, TUESDAY)["daily_bars", "delivery_is_usable"]
    assert not ran(tables, MONDAY, TUESDAY)["daily_bars", "delivery_is_usable"]


def test_a_released_verdict_counts_as_usable(tables: Tables) -> None:
    _hold(tables, ["A", "B", "C", "D"], 4)
    for name in "AB":
        tables.add(
            "quality.verdicts", dataset="daily_bars", symbol=name, session=MONDAY,
            status="released", checks=20, checks_passed=19,
            known_at=datetime(2012, 7, 5, 14, 0, tzinfo=UTC), recorded_at=AT,
        )  # fmt: skip

    assert ran(tables, MONDAY)["daily_bars", "delivery_is_usable"]


def test_a_missing_symbol_an_odd_bar_and_a_doubled_key_are_told(good: Tables) -> None:
    good.add(
        "quality.findings", finding_id="f", dataset="daily_bars", symbol="GOOG", session=TUESDAY,
        rule="bar_arrived", severity="error", message="m", figures="{}", known_at=AT,
        recorded_at=AT,
    )  # fmt: skip
    good.verdict("MSFT", TUESDAY, "passed")
    good.bar("MSFT", TUESDAY, high=9.5)
    good.bar("MSFT", TUESDAY, high=9.5)

    outcomes = ran(good, TUESDAY)

    assert not outcomes["daily_bars", "every_expected_symbol_arrived"]
    assert not outcomes["daily_bars", "prices_are_consistent"]
    assert not outcomes["daily_bars", "keys_are_unique"]
    assert outcomes["daily_bars", "delivery_is_usable"]


def test_a_symbol_that_stops_is_late(good: Tables) -> None:
    good.bar("GOOG", MONDAY)

    assert not ran(good, TUESDAY)["daily_bars", "prices_are_fresh"]
    assert ran(good, MONDAY)["daily_bars", "prices_are_fresh"]


@cache
def _model(names: tuple[str, ...] = ("volatility_63", "momentum")) -> FittedModel:
    """A small model of noise in the columns `names`."""
    rng = np.random.default_rng(5)
    sessions = np.arange(300)
    return fit_final(
        Dataset(
            features=rng.uniform(0.1, 0.5, size=(300, len(names))).astype(np.float32),
            names=names,
            sessions=sessions,
            symbols=np.zeros(300, dtype=np.int32),
            labels=rng.normal(size=300),
            weights=np.ones(300),
            label_start=sessions + 1,
            label_end=sessions + 6,
            scale=np.full(300, 0.02),
        ),
        Hyperparameters(family="linear", l2=1.0),
        seed=3,
    )


class Filed:
    """A registry that holds one model, or does not answer."""

    def __init__(self, model: FittedModel | None) -> None:
        self.filed = model

    def model(self, run_id: str) -> bytes:
        if self.filed is None:
            raise RegistryUnreachableError("No answer from the registry.")
        assert run_id == "r"
        return self.filed.to_bytes()


def _said(model: FittedModel, values: Sequence[float]) -> dict[str, Any]:
    """What a prediction of `model` says of one row of its features."""
    row = np.array([values], dtype=np.float32)
    daily = volatility_daily(row, model.names)
    forecast = model.predict(row, model.names, scale=daily * np.sqrt(model.horizon))
    parts = [
        {"feature": one.name, "meaning": "m", "value": one.value, "points": one.points}
        for one in model.reasons(row, top=5)[0]
    ]
    named = ("probability", "margin", "expected_return", "low", "high")
    return {
        **{name: float(getattr(forecast, name)[0]) for name in named},
        "horizon": model.horizon,
        "volatility": float(daily[0] * np.sqrt(252)),
        "contributions": json.dumps(parts),
    }


def _serve(
    tables: Tables,
    *,
    model: FittedModel | None = None,
    trained: str = "v1",
    served: tuple[str, Sequence[str]] = ("v1", ("momentum", "volatility_63")),
    **otherwise: object,
) -> None:
    """Store the features of IBM, a model and its prediction; what is said `otherwise` is not so."""
    model = model or _model()
    version, names = served
    tables.add("features.versions", version=version, names=list(names), registered_at=AT)
    tables.add(
        "features.daily", symbol="IBM", session=TUESDAY, version=version, simulated=False,
        values=[0.25] * len(names), known_at=AT, recorded_at=AT,
    )  # fmt: skip
    tables.add(
        "models.versions", model_version="m/1", run_id="r", feature_version=trained, snapshot_id=1,
        programme="p", first_session=MONDAY, last_session=MONDAY, rows=1, horizon=5,
        hyperparameters="{}", base_rate=0.5, calibration="[]", importance="[]", simulated=False,
        status="challenger", trained_at=AT, recorded_at=AT,
    )  # fmt: skip
    said = _said(model, [0.25] * len(model.names)) | otherwise
    tables.add(
        "models.predictions", symbol="IBM", session=TUESDAY, model_version="m/1", kind="live",
        feature_version=version, snapshot_id=1, simulated=False, known_at=AT, recorded_at=AT,
        **said,
    )  # fmt: skip


def _why(tables: Tables, model: FittedModel | None) -> list[str]:
    """Return why predictions of the session are not what their model says."""
    with tables.reader() as conn:
        told = served.mismatched(
            conn, Filed(model), sessions=[TUESDAY], tolerance=checks.SERVING_TOLERANCE
        )
    return told["reason"].to_list()


def test_a_prediction_that_is_made_again_alike_passes(good: Tables) -> None:
    _serve(good)

    assert ran(good, TUESDAY)["predictions", "serving_matches_training"]
    assert _why(good, _model()) == []


def test_where_nothing_was_predicted_the_check_says_that_it_compared_nothing(
    good: Tables,
) -> None:
    def described() -> str | None:
        with good.reader() as conn:
            return checks.serving(conn, Filed(_model()), sessions=[TUESDAY]).description

    assert described() == "No prediction was made in these sessions: nothing was compared."
    _serve(good)
    assert described() == "Each of 1 predictions is what its model makes of the features it knows."


@pytest.mark.parametrize(
    "name", ["probability", "margin", "expected_return", "low", "high", "volatility", "horizon"]
)
def test_every_figure_of_a_prediction_is_compared_and_the_one_that_differs_named(
    good: Tables, name: str
) -> None:
    told = _said(_model(), [0.25, 0.25])[name] + (1 if name == "horizon" else 0.001)
    _serve(good, **{name: told})

    (reason,) = _why(good, _model())

    assert not ran(good, TUESDAY)["predictions", "serving_matches_training"]
    assert reason.removeprefix("its ").startswith(f"{name} was served as {told}, its model")
    assert ";" not in reason


def test_a_feature_outside_the_largest_contributions_is_compared_too(good: Tables) -> None:
    _serve(good)
    good.conn.execute("update features.daily set values = [0.25, 0.3]")

    (reason,) = _why(good, _model())

    for told in ("probability was served", "low was served", "volatility was served"):
        assert told in reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value": 0.26}, "momentum was served as 0.26 moving it by "),
        ({"points": 0.5}, "momentum was served as 0.25 moving it by 0.5, stored as 0.25 moving"),
        ({"feature": "noise"}, "noise was said to move it most, by its model"),
    ],
)
def test_what_moved_a_prediction_is_compared(
    good: Tables, change: dict[str, object], told: str
) -> None:
    parts = json.loads(_said(_model(), [0.25, 0.25])["contributions"])
    altered = [part | change if part["feature"] == "momentum" else part for part in parts]
    altered.sort(key=lambda part: part["feature"] == "noise")
    _serve(good, contributions=json.dumps(altered))

    (reason,) = _why(good, _model())

    assert told in reason


@pytest.mark.parametrize("kept", [0, 1])
def test_a_contribution_that_was_left_out_is_missed(good: Tables, kept: int) -> None:
    parts = json.loads(_said(_model(), [0.25, 0.25])["contributions"])
    assert len(parts) > 1
    _serve(good, contributions=json.dumps(parts[:kept]))

    (reason,) = _why(good, _model())

    said = parts[0]["feature"] if kept else "nothing"
    assert reason.startswith(f"{said} was said to move it most, by its model ")


def test_a_range_is_compared_as_it_was_adapted_to_what_had_matured(good: Tables) -> None:
    _serve(good)
    for day in range(20):
        session = date(2012, 5, 1) + timedelta(days=day)
        key = {"symbol": "IBM", "session": session, "model_version": "m/1", "kind": "live"}
        early = datetime(2012, 6, 1, tzinfo=UTC)
        good.add(
            "models.predictions", **key, **_said(_model(), [0.25, 0.25]), feature_version="v1",
            snapshot_id=1, simulated=False, known_at=early, recorded_at=early,
        )  # fmt: skip
        good.add(
            "models.outcomes", **key, excess_return=0.9, outperformed=True,
            matured_session=session, known_at=early, recorded_at=early,
        )  # fmt: skip

    (reason,) = _why(good, _model())

    assert "high was served as" in reason
    assert "probability" not in reason


def test_a_prediction_of_other_features_or_without_its_model_says_so(good: Tables) -> None:
    _serve(good, trained="v0")

    assert _why(good, _model()) == ["trained on v0, served v1"]
    good.conn.execute("update models.versions set feature_version = 'v1'")
    assert _why(good, _model(("volatility_63", "unheard"))) == ["unheard not in its feature set"]
    assert _why(good, None) == [
        "its model says nothing of the stored features: No answer from the registry."
    ]


def test_a_set_that_grew_serves_a_model_of_the_columns_it_had(good: Tables) -> None:
    model = _model(CORE.names)
    _serve(good, model=model, trained=CORE.version, served=(DAILY.version, DAILY.names))
    good.add("features.versions", version=CORE.version, names=CORE.names, registered_at=AT)

    assert _why(good, model) == []


def test_a_hole_in_the_features_is_told_only_where_history_suffices(good: Tables) -> None:
    for symbol, sessions in (("OLD", 253), ("NEW", 252)):
        good.conn.execute(
            """
            insert into market.daily_bars
                (symbol, session, open, high, low, close, volume, source, simulated, known_at,
                 assumed, recorded_at)
            select ?, date '2012-07-03' - cast(i as integer), 10, 11, 9, 10, 1, 't', false, ?,
                   true, ?
            from range(?) r(i)
            """,
            [symbol, AT, AT, sessions],
        )
        good.add(
            "features.daily", symbol=symbol, session=TUESDAY, version="v1", simulated=False,
            values=[0.1, float("nan")], known_at=AT, recorded_at=AT,
        )  # fmt: skip
    name = ("daily_features", "features_are_finite_where_history_suffices")

    assert not ran(good, TUESDAY)[name]
    good.conn.execute("delete from features.daily where symbol = 'OLD'")
    assert ran(good, TUESDAY)[name]


def test_minutes_outside_regular_hours_fill_no_gap(tables: Tables) -> None:
    opens = datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
    for symbol in ("FULL", "THIN"):
        tables.bar(symbol, MONDAY)
    tables.minutes("FULL", opens, 390)
    tables.minutes("THIN", opens, 300)
    # The 90 missing ones and more, but before the opening and after the close.
    tables.minutes("THIN", opens - timedelta(minutes=120), 120)
    tables.minutes("THIN", opens + timedelta(minutes=390), 120)

    gaps = readings.incomplete_minutes(tables.conn, sessions=[MONDAY])

    assert gaps.rows() == [("THIN", MONDAY, 300, 390)]


def test_a_chain_that_is_late_or_half_gone_is_told(tables: Tables) -> None:
    def quote(symbol: str, session: date, strikes: Sequence[float], expiry: date) -> None:
        for strike in strikes:
            tables.add(
                "market.options", symbol=symbol, session=session, expiry=expiry, strike=strike,
                put_or_call="call", bid=1.0, ask=1.1, source="test", simulated=False, known_at=AT,
                assumed=True, recorded_at=AT,
            )  # fmt: skip

    july, expired, long_ago = date(2012, 7, 21), MONDAY, date(2012, 6, 1)
    for symbol in ("WHOLE", "HALF", "THIN", "LATE"):
        quote(symbol, MONDAY, (90.0, 95.0, 100.0, 105.0), july)
        quote(symbol, MONDAY, (90.0, 95.0, 100.0, 105.0, 110.0), expired)  # due no longer
    quote("GONE", long_ago, (90.0, 95.0), july)
    quote("WHOLE", TUESDAY, (90.0, 95.0, 100.0, 105.0), july)
    quote("HALF", TUESDAY, (90.0, 95.0), july)
    quote("THIN", TUESDAY, (90.0,), july)

    thin = readings.thin_chains(tables.conn, due=TUESDAY)

    assert thin.rows() == [("LATE", MONDAY, 4, 0), ("THIN", MONDAY, 4, 1)]
    assert readings.thin_chains(tables.conn, due=None).is_empty()
