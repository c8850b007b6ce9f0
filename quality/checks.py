"""Dagster asset checks, by asset key; each asks the warehouse and judges with a plain function.

Symbols are gated by their verdicts, which are data. A blocking check stops every symbol of a run,
so the only one here is for a delivery that failed as a whole.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import dagster as dg
import duckdb
import polars as pl

from quality import readings, served
from quality.rules.model import SessionHeld, worst_session
from quality.served import StoredModels
from warehouse import Warehouse

# Beyond both, the delivery is at fault and not its symbols: real defects of single shares stay
# far below one in twenty; the count keeps a universe of five tradable when one or two are held.
MAX_HELD_BACK_SHARE: Final = 0.05
MAX_HELD_BACK_SYMBOLS: Final = 3
# A model sees float32 features; what was said and what is computed again agree to that.
SERVING_TOLERANCE: Final = 1e-5

_SHOWN: Final = 20


def sessions_of(context: dg.AssetCheckExecutionContext) -> list[date]:
    """Return the sessions of this run: one partition, a range of them, or none."""
    # `partition_key` raises in a range run; `partition_keys` answers in both.
    if not (context.has_partition_key or context.has_partition_key_range):
        return []
    return [date.fromisoformat(key) for key in context.partition_keys]


def is_systemic(worst: SessionHeld) -> bool:
    """Whether so much of one session is held back that the delivery itself is at fault."""
    return worst.share > MAX_HELD_BACK_SHARE and worst.held > MAX_HELD_BACK_SYMBOLS


def _usable(warehouse: Warehouse, dataset: str, sessions: Sequence[date]) -> dg.AssetCheckResult:
    with warehouse.reader() as conn:
        worst = worst_session(readings.verdicts(conn, dataset=dataset, sessions=sessions))
    return dg.AssetCheckResult(
        passed=not is_systemic(worst),
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"At worst {worst.held} of {worst.symbols} symbols are held back "
            f"({worst.share:.1%}, {worst.session or 'no session judged'}); the delivery is at "
            f"fault beyond {MAX_HELD_BACK_SYMBOLS} symbols and {MAX_HELD_BACK_SHARE:.0%}."
        ),
        metadata={
            "worst_session": str(worst.session),
            "symbols_held_back": worst.held,
            "symbols_judged": worst.symbols,
            "share": worst.share,
        },
    )


@dg.asset_check(asset="daily_bars", blocking=True, name="delivery_is_usable")
def daily_delivery_is_usable(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """No session of this run holds back more than 3 symbols and 5 % of them."""
    return _usable(warehouse, "daily_bars", sessions_of(context))


@dg.asset_check(asset="minute_bars", blocking=True, name="delivery_is_usable")
def minute_delivery_is_usable(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """No session of this run holds back more than 3 symbols and 5 % of them."""
    return _usable(warehouse, "minute_bars", sessions_of(context))


def _told(found: pl.DataFrame, *, good: str, bad: str) -> dg.AssetCheckResult:
    """Return a warning that lists the first rows of `found`, or a pass when there are none."""
    lines = [str(tuple(str(v) for v in row)) for row in found.head(_SHOWN).iter_rows()]
    return dg.AssetCheckResult(
        passed=found.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        description=good if found.is_empty() else f"{found.height} {bad}",
        metadata={
            "count": found.height,
            "first": dg.MetadataValue.md("\n".join(f"- {line}" for line in lines) or "none"),
        },
    )


@dg.asset_check(asset="daily_bars")
def every_expected_symbol_arrived(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """Every expected symbol has a bar for every session of this run."""
    with warehouse.reader() as conn:
        missing = readings.findings(
            conn, dataset="daily_bars", rules=("bar_arrived",), sessions=sessions_of(context)
        )
    return _told(
        missing.select("symbol", "session"),
        good="Every expected bar arrived.",
        bad="expected bars did not arrive; their symbols are held back.",
    )


@dg.asset_check(asset="daily_bars")
def prices_are_consistent(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """No usable bar has a high below, or a low above, its open and close."""
    with warehouse.reader() as conn:
        torn = readings.inconsistent_bars(conn, sessions=sessions_of(context))
    return _told(torn, good="All usable bars are consistent.", bad="usable bars are inconsistent.")


@dg.asset_check(asset="daily_bars")
def keys_are_unique(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """The warehouse holds one bar per symbol, session and time of learning it."""
    with warehouse.reader() as conn:
        twice = readings.repeated_keys(conn, sessions=sessions_of(context))
    return _told(twice, good="Every key occurs once.", bad="keys occur more than once.")


@dg.asset_check(asset="minute_bars")
def sessions_are_complete(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """Every symbol with a daily bar has nine of ten minutes of the session."""
    with warehouse.reader() as conn:
        gaps = readings.incomplete_minutes(conn, sessions=sessions_of(context))
    return _told(gaps, good="All sessions are complete.", bad="sessions of a symbol have gaps.")


@dg.asset_check(asset="daily_bars")
def prices_are_fresh(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """Every symbol that still trades reaches the newest session of this run, whatever the hour."""
    with warehouse.reader() as conn:
        late = readings.late_symbols(conn, due=max(sessions_of(context), default=None))
    return _told(
        late,
        good="Every symbol reaches the newest session the market has closed.",
        bad="symbols end before the newest session.",
    )


@dg.asset_check(asset="options")
def chains_are_fresh_and_whole(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """Shares with recent option quotes have half of their contracts in this run's last session."""
    with warehouse.reader() as conn:
        thin = readings.thin_chains(conn, due=max(sessions_of(context), default=None))
    return _told(
        thin,
        good="Every chain that was quoted within six sessions is quoted still.",
        bad="chains were quoted within six sessions and hardly are in the newest one.",
    )


@dg.asset_check(asset="daily_features")
def features_are_finite_where_history_suffices(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """No feature is missing for a symbol that has 253 sessions of bars behind it."""
    with warehouse.reader() as conn:
        holes = readings.unfinished_features(conn, sessions=sessions_of(context))
    return _told(
        holes,
        good="All features are finite where history suffices.",
        bad="rows of features have holes although history suffices.",
    )


@dg.asset_check(asset="predictions")
def serving_matches_training(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    registry: dg.ResourceParam[StoredModels],
) -> dg.AssetCheckResult:
    """Every prediction is what its model makes of the stored features: figures, range, reasons."""
    with warehouse.reader() as conn:
        return serving(conn, registry, sessions=sessions_of(context))


def serving(
    conn: duckdb.DuckDBPyConnection, registry: StoredModels, *, sessions: Sequence[date]
) -> dg.AssetCheckResult:
    """Return a warning that lists predictions their model does not make, or how many it does."""
    n_made = served.predicted(conn, sessions=sessions)
    good = f"Each of {n_made} predictions is what its model makes of the features it knows."
    return _told(
        served.mismatched(conn, registry, sessions=sessions, tolerance=SERVING_TOLERANCE),
        good=good if n_made else "No prediction was made in these sessions: nothing was compared.",
        bad="predictions are not what their model makes of the features it was trained on.",
    )


CHECKS: Final = (
    daily_delivery_is_usable,
    minute_delivery_is_usable,
    every_expected_symbol_arrived,
    prices_are_consistent,
    keys_are_unique,
    prices_are_fresh,
    sessions_are_complete,
    chains_are_fresh_and_whole,
    features_are_finite_where_history_suffices,
    serving_matches_training,
)
