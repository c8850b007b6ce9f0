"""Asset checks of what the desk made itself: suites of its tables, and drift. None stops a run.

A suite judges the newest month of a run; a run over years has been judged when its sessions were
new, and its pages would be as long as its history.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import duckdb
import numpy as np
import polars as pl
from sqlalchemy import Engine

from config.settings import Settings
from config.universe import Universe
from ledger import market
from quality import own_readings, suites, verdicts
from quality.calendar import exchange
from quality.checks import sessions_of
from quality.drift import Drift, drifts
from quality.rules.model import Judgement, Severity
from quality.suites_features import judge_features
from quality.suites_positions import judge_positions
from quality.suites_predictions import judge_predictions
from quant.features import DAILY
from warehouse import Warehouse, bars, features, findings, models

JUDGED_SESSIONS: Final = 21
RECENT_SESSIONS: Final = 63  # of features, after the training window
# Neighbouring sessions repeat one another: these many, evenly spread, say as much as all of them.
REFERENCE_LOOKS, RECENT_LOOKS = 60, 21
RECENT_BARS, REFERENCE_BARS = 21, 252  # sessions
_NEWEST: Final = datetime(9999, 1, 1, tzinfo=UTC)  # a check looks at what is believed now
_SHOWN: Final = 20


@dg.asset_check(asset="daily_features")
def features_meet_their_suite(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    """Every row of features of the newest month of this run meets the rules of its suite."""
    with warehouse.reader() as conn:
        rows = own_readings.features(conn, sessions=sessions_of(context)[-JUDGED_SESSIONS:])
        names = features.names(conn, rows["version"][0]) if rows.height else ()
    return _recorded(
        rows, lambda: judge_features(rows, names=names, calendar=exchange()), warehouse, settings,
        run_id=context.run.run_id, known="known_at",
    )  # fmt: skip


@dg.asset_check(asset="predictions")
def predictions_meet_their_suite(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    """Every live prediction of the newest month of this run meets the rules of its suite."""
    with warehouse.reader() as conn:
        rows = own_readings.predictions(conn, sessions=sessions_of(context)[-JUDGED_SESSIONS:])
    return _recorded(
        rows, lambda: judge_predictions(rows, calendar=exchange()), warehouse, settings,
        run_id=context.run.run_id, known="known_at",
    )  # fmt: skip


@dg.asset_check(asset="positions")
def positions_meet_their_suite(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.AssetCheckResult:
    """What the broker says is held agrees with itself and is of the desk's universe."""
    with ledger.connect() as conn:
        rows = own_readings.positions(market.latest_positions(conn))
    return _recorded(
        rows, lambda: judge_positions(rows, universe=universe.names), warehouse, settings,
        run_id=context.run.run_id, known="as_of",
    )  # fmt: skip


def _recorded(
    rows: pl.DataFrame,
    judge: Callable[[], Judgement],
    warehouse: Warehouse,
    settings: Settings,
    *,
    run_id: str,
    known: str,
) -> dg.AssetCheckResult:
    """Judge, record and render; only an error fails the check."""
    if rows.is_empty():
        return dg.AssetCheckResult(passed=True, description="There is no row to judge.")
    judgement = judge()
    sessions = sorted(set(rows["session"]))
    report = suites.record(
        judgement, suite=judgement.dataset, sessions=sessions,
        docs_dir=Path(settings.home) / "data_docs", run_id="own",
    )  # fmt: skip
    known_at: datetime = rows[known].max()  # type: ignore[assignment]  # a column of instants
    told = verdicts.finding_rows(judgement, known_at=lambda _: known_at)
    page = verdicts.report_row(
        report, suite=judgement.dataset, first=sessions[0], last=sessions[-1], run_id=run_id
    )

    def write(conn: duckdb.DuckDBPyConnection) -> None:
        findings.record(conn, told)
        findings.record_reports(conn, page)

    warehouse.write(write, "quality.findings", "quality.reports")
    return _result(judgement, report.path)


def _result(judgement: Judgement, report: str) -> dg.AssetCheckResult:
    errors = [f for f in judgement.findings if f.severity is Severity.ERROR]
    rest = len(judgement.findings) - len(errors)
    shown = [*errors, *(f for f in judgement.findings if f.severity is not Severity.ERROR)]
    lines = [f"- {f.symbol}, {f.rule}: {f.message}" for f in shown[:_SHOWN]]
    return dg.AssetCheckResult(
        passed=not errors,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{judgement.outcomes.height} rows: {len(errors)} errors, {rest} warnings.",
        metadata={
            "rows": judgement.outcomes.height,
            "errors": len(errors),
            "warnings": rest,
            "by_rule": dg.MetadataValue.json(judgement.by_rule()),
            "first": dg.MetadataValue.md("\n".join(lines) or "none"),
            "report": f"/data-docs/{report}",
        },
    )


@dg.asset_check(asset="daily_features")
def features_are_like_those_trained_on(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    universe: dg.ResourceParam[Universe],
) -> dg.AssetCheckResult:
    """No feature has moved far from the training window of the model that predicts."""
    last = max(sessions_of(context), default=None)
    with warehouse.reader() as conn:
        serving = models.serving(conn, universe.programme, as_of=_NEWEST)
        if serving.is_empty() or last is None:
            return dg.AssetCheckResult(passed=True, description="There is no model to compare to.")
        told = serving.row(0, named=True)
        if last <= told["last_session"]:
            return dg.AssetCheckResult(
                passed=True,
                description=f"{last} lies in the training window, to {told['last_session']}.",
            )
        trained = spread(
            exchange().sessions(told["first_session"], told["last_session"]), REFERENCE_LOOKS
        )
        since = exchange().sessions(told["last_session"] + timedelta(days=1), last)
        version = str(told["feature_version"])
        if DAILY.holds(version, features.names(conn, version)):
            version = DAILY.version
        names = features.names(conn, version)
        reference = own_readings.features(conn, sessions=trained, version=version)
        late = spread(since[-RECENT_SESSIONS:], RECENT_LOOKS)
        recent = own_readings.features(conn, sessions=late, version=version)
    if reference.is_empty() or recent.is_empty():
        return dg.AssetCheckResult(passed=True, description="No features of the model are stored.")
    wide = [_matrix(side, len(names)) for side in (reference, recent)]
    found = drifts(names, *wide, n_reference=independent(reference), n_recent=independent(recent))
    return _moved(found, reference, recent)


@dg.asset_check(asset="daily_bars")
def incoming_bars_are_like_the_year_before(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    universe: dg.ResourceParam[Universe],
) -> dg.AssetCheckResult:
    """Moves, ranges and turnover of the newest month are spread as in the year before it."""
    last = max(sessions_of(context), default=exchange().days[0])
    days = exchange().sessions(exchange().days[0], last)[-RECENT_BARS - REFERENCE_BARS :]
    with warehouse.reader() as conn:
        rows = bars.ohlcv(conn, universe.names, days[0], last, as_of=_NEWEST)
    begins = days[-RECENT_BARS] if len(days) > RECENT_BARS else last
    measured = measures(rows, begins)
    reference, recent = (
        measured.filter(pl.col("session") < begins), measured.filter(pl.col("session") >= begins),
    )  # fmt: skip
    if reference.is_empty() or recent.is_empty():
        return dg.AssetCheckResult(passed=True, description="There is no year to compare to.")
    names = [name for name in measured.columns if name not in {"symbol", "session"}]
    found = drifts(
        names, reference.select(names).to_numpy(), recent.select(names).to_numpy(),
        n_reference=independent(reference), n_recent=independent(recent),
    )  # fmt: skip
    return _moved(found, reference, recent)


def measures(rows: pl.DataFrame, begins: date) -> pl.DataFrame:
    """Return what of a bar has no unit: symbol, session, move, range, place and turnover.

    Parameters
    ----------
    rows : frame with symbol, session, open, high, low, close (USD), volume (shares)
    begins : date
        Turnover is measured against the symbol's median before it, so that a split or another
        universe moves nothing.

    Returns
    -------
    frame
        move and range are logs of close over open and high over low, place is where between low
        and high the close lies (0 to 1), turnover the log of dollars traded over their median.
    """
    dollars = pl.col("close") * pl.col("volume")
    usual = dollars.filter(pl.col("session") < begins).median().over("symbol")
    return rows.filter(pl.col("volume") > 0).select(
        "symbol",
        "session",
        move=(pl.col("close") / pl.col("open")).log(),
        range=(pl.col("high") / pl.col("low")).log(),
        place=(pl.col("close") - pl.col("low")) / (pl.col("high") - pl.col("low")),
        turnover=(dollars / usual).log(),
    )


def independent(rows: pl.DataFrame) -> int:
    """Return how many observations are not repeats: one for each symbol and month."""
    return rows.select("symbol", pl.col("session").dt.truncate("1mo")).n_unique()


def spread(sessions: Sequence[date], most: int) -> list[date]:
    """Return at most `most` of the sessions, evenly spread, the first and the last among them."""
    if len(sessions) <= most:
        return list(sessions)
    places = np.linspace(0, len(sessions) - 1, most).round().astype(int)
    return [sessions[at] for at in places.tolist()]


def _matrix(rows: pl.DataFrame, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    flat = rows["values"].explode(empty_as_null=False).to_numpy()
    return np.asarray(flat, dtype=np.float64).reshape(rows.height, width)


def _moved(
    found: Sequence[Drift], reference: pl.DataFrame, recent: pl.DataFrame
) -> dg.AssetCheckResult:
    moved = [one.name for one in found if one.is_drift]
    said = f"{', '.join(moved[:5])} moved" if moved else "Nothing moved"
    span = [" to ".join(str(day) for day in _ends(side)) for side in (reference, recent)]
    columns = [
        dg.TableColumn(name, "string" if name == "name" else "float")
        for name in ("name", "stability", "limit", "distance", "chance", "reference_mean",
                     "recent_mean")
    ]  # fmt: skip
    records = [
        dg.TableRecord({column.name: getattr(one, column.name) for column in columns})
        for one in found[:_SHOWN]
    ]
    return dg.AssetCheckResult(
        passed=not moved,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{said} beyond chance: {span[1]} beside {span[0]}.",
        metadata={
            "moved": len(moved),
            "columns": len(found),
            "largest_stability_index": max((one.stability for one in found), default=0.0),
            "rows": recent.height,
            "reference_rows": reference.height,
            "independent_rows": independent(recent),
            "reference_independent_rows": independent(reference),
            "furthest": dg.MetadataValue.table(records, schema=dg.TableSchema(columns)),
        },
    )


def _ends(rows: pl.DataFrame) -> tuple[date, date]:
    sessions = rows["session"].to_list()
    return min(sessions), max(sessions)


OWN_CHECKS: Final = (
    features_meet_their_suite,
    predictions_meet_their_suite,
    positions_meet_their_suite,
    features_are_like_those_trained_on,
    incoming_bars_are_like_the_year_before,
)
