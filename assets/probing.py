"""The probes for leakage that a training run puts itself to."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from assets.desk_time import decision_time
from assets.features import computed_rows
from config.universe import Universe
from quant.backtest import backtest
from quant.features import CORE, DAILY, DailyPanel
from quant.models import CrossValidation, Dataset, Hyperparameters
from quant.models.learners import Bench, prepare
from quant.probes import (
    Finding,
    Rows,
    absent_members,
    future_features,
    lagged_features,
    last_bar_removed,
    matured_before_use,
    measurable,
    overlapping_labels,
    overnight_gain,
    served_difference,
    shuffled_label,
    telling_sessions,
)
from quant.splits import combinatorial_purged, default_embargo, purged_k_fold, walk_forward
from quant.typing import FloatArray, IntArray
from warehouse import Warehouse, actions, bars, features, late
from warehouse import universe as memberships

_EPOCH = date(1970, 1, 1)
# Sessions at which training is compared with serving: spread over history, then around changes of
# each kind, the newest always among them. Each takes 0.1 to 0.4 s of a processor.
_SPREAD, _CORRECTIONS, _ACTIONS, _JOINED = 4, 4, 2, 1

# Each skill probe fits every fold twice or more: three folds tell a leak as well as ten do.
_FOLDS = 3


def findings(
    dataset: Dataset,
    settings: Hyperparameters,
    *,
    n_rounds: int,
    seed: int,
    device: str,
    anchored: bool = False,
    bench: Bench | None = None,
) -> tuple[Finding, ...]:
    """What the probes say of a configuration; none where history is too short for all of them.

    `anchored` says how its walk-forward windows are cut; `bench` holds the features of `dataset`,
    where they were prepared before.
    """
    rows = Rows(dataset.sessions, dataset.symbols, dataset.horizon)
    if not measurable(dataset.labels, rows):
        return ()
    grown = replace(settings, n_rounds=max(1, n_rounds))
    folds = tuple(
        purged_k_fold(
            dataset.sessions,
            dataset.label_start,
            dataset.label_end,
            n_folds=_FOLDS,
            embargo=default_embargo(dataset.sessions, dataset.label_start, dataset.label_end),
        )
    )

    prepared = bench or _prepared(dataset.features, grown, device)

    def forecast(values: FloatArray, labels: FloatArray) -> FloatArray:
        altered = replace(dataset, features=values, labels=labels, part=True)
        # Most probes alter labels alone.
        same = values is dataset.features
        rows = prepared if same else _prepared(values, grown, device)
        return CrossValidation(altered, folds, bench=rows).margins(grown, seed=seed)

    asked = (forecast, dataset.features, dataset.labels, rows)
    return (
        shuffled_label(*asked, rng=np.random.default_rng(seed)),
        lagged_features(*asked),
        future_features(*asked),
        last_bar_removed(*asked),
        *_of_splits(dataset, anchored=anchored),
        overnight_gain(_traded),
    )


def _prepared(values: FloatArray, settings: Hyperparameters, device: str) -> Bench:
    return prepare(settings.family, values, max_bin=settings.max_bin, device=device, n_jobs=2)


def probed_sessions(
    warehouse: Warehouse, universe: Universe, sessions: IntArray, *, trained_to: date
) -> list[date]:
    """Sessions at which what is known later differs most likely from what was known then.

    `sessions` are those with bars, in days since 1970. What was corrected comes first: a leak of
    one correction shows in its session or in the one before, and nowhere else.
    """
    days = np.unique(sessions)
    begin, as_of = _day(int(days[0])), decision_time(trained_to)
    with warehouse.reader() as conn:
        learned = late.learned(
            conn, universe.names, begin, trained_to, after=decision_time(begin), as_of=as_of,
            index=universe.index, universe=universe.name,
        )  # fmt: skip
        acted = actions.known(conn, universe.names, begin, trained_to, as_of=as_of)["ex_date"]
        joined = memberships.members(conn, universe.name, begin, trained_to, as_of=as_of)
    decided = {day: decision_time(day) for day in learned["day"].unique() if day >= begin}
    corrected = learned.filter(
        pl.col("known_at")
        > pl.col("day").replace_strict(decided, default=None, return_dtype=pl.Datetime("us", "UTC"))
    )["day"]
    chosen = [
        telling_sessions(days, _ordinals(changed, days), even=even, at_changes=most)
        for changed, even, most in (
            (corrected, _SPREAD, _CORRECTIONS),
            (acted, 1, _ACTIONS),
            (joined["from_session"], 1, _JOINED),
        )
    ]
    return [_day(int(ordinal)) for ordinal in np.unique(np.concatenate(chosen))]


def absent(
    warehouse: Warehouse, universe: Universe, panel: DailyPanel, *, trained_to: date
) -> Finding | None:
    """Look for members of the universe, as the list was then, that the model never saw.

    A member counts in the sessions it had a usable bar in. None where nothing is known of the
    list's past.
    """
    days = np.unique(panel.sessions)
    first, as_of = _day(int(days[0])), decision_time(trained_to)
    with warehouse.reader() as conn:
        listed = memberships.members(conn, universe.name, first, trained_to, as_of=as_of)
        if listed.is_empty():
            return None
        names = sorted({*listed["symbol"], *universe.names})
        traded = bars.closes(conn, names, first, trained_to, as_of=as_of)
        renamed = actions.known(conn, names, first, trained_to, as_of=as_of).filter(
            pl.col("kind") == "symbol_change"
        )
    followed = dict(renamed.select("symbol", "detail").iter_rows())
    rows = (
        traded.join(listed.select("symbol", "from_session", "to_session"), on="symbol")
        .filter(pl.col("session") >= pl.col("from_session"))
        .filter((pl.col("session") <= pl.col("to_session")).fill_null(value=True))
    )
    members: dict[int, set[str]] = {}
    for session, symbol in rows.select(pl.col("session").to_physical(), "symbol").iter_rows():
        members.setdefault(session, set()).add(symbol)
    return absent_members(
        ((day, seen | _under_old_names(seen, followed)) for day, seen in _seen(panel)),
        lambda day: members.get(day, set()),
    )


def train_and_serve(
    warehouse: Warehouse,
    universe: Universe,
    sessions: Sequence[date],
    *,
    trained_to: date,
    names: tuple[str, ...] = CORE.names,
) -> Finding | None:
    """Compare what the model learns from with what is served from data cut at each session.

    Of the features `names`. None where no features are stored for any of the sessions.
    """
    stored, served = [], []
    for session in sessions:
        with warehouse.reader() as conn:
            rows, values = features.matrix(
                conn, DAILY.version, universe.names, session, session,
                as_of=decision_time(trained_to),
            )  # fmt: skip
        if rows.is_empty():
            continue
        told = computed_rows(warehouse, universe, [session])
        stored.append(values)
        served.append(_in_order(told, rows))
    if not stored:
        return None
    columns = [DAILY.names.index(name) for name in names]
    return served_difference(
        np.concatenate(stored)[:, columns], np.concatenate(served)[:, columns], names
    )


def _seen(panel: DailyPanel) -> Iterator[tuple[int, set[str]]]:
    """Each session, and the symbols that have a row in it."""
    symbol = np.repeat(np.arange(len(panel.symbols)), np.diff(panel.offsets))
    order = np.argsort(panel.sessions, kind="stable")
    days, first = np.unique(panel.sessions[order], return_index=True)
    for day, own in zip(days, np.split(symbol[order], first[1:]), strict=True):
        yield int(day), {panel.symbols[at] for at in own}


def _under_old_names(seen: Set[str], followed: dict[str, str]) -> set[str]:
    """Tickers whose firm has its rows under the ticker that came after."""
    return {old for old, new in followed.items() if new in seen}


def _ordinals(changed: pl.Series, days: IntArray) -> IntArray:
    """Days since 1970 of what changed, as far as there are sessions."""
    told: IntArray = changed.drop_nulls().to_physical().to_numpy()
    within: IntArray = told[(told >= days[0]) & (told <= days[-1])]
    return within


def _day(ordinal: int) -> date:
    return _EPOCH + timedelta(days=ordinal)


def _in_order(told: pl.DataFrame, rows: pl.DataFrame) -> FloatArray:
    """Values of the symbols of `rows`; NaN for one that is not served."""
    by_symbol = dict(told.select("symbol", "values").iter_rows())
    absent = [float("nan")] * len(DAILY)
    return np.array([by_symbol.get(symbol, absent) for symbol in rows["symbol"]], dtype=np.float32)


def _of_splits(dataset: Dataset, *, anchored: bool) -> tuple[Finding, Finding]:
    """Whether any fold is fitted to what it is tested on, and any window to its future."""
    start, end = dataset.label_start, dataset.label_end
    walked = tuple(walk_forward(dataset.sessions, end, anchored=anchored))
    folds = (
        *walked,
        *purged_k_fold(dataset.sessions, start, end, n_folds=5),
        *combinatorial_purged(dataset.sessions, start, end),
    )
    used = [(np.concatenate((fold.train, fold.validation)), fold.test) for fold in walked]
    return (
        overlapping_labels(folds, start, end),
        matured_before_use(used, dataset.sessions, end),
    )


def _traded(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    return backtest(opens, closes, np.full(opens.shape, 1e9), weights).returns
