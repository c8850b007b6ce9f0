"""Ten leaks, each planted in many ways, and what the probes say of them and of clean work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, product

import numpy as np

from benchmarks.planted_truth.leaky import (
    HISTORY,
    N_SESSIONS,
    N_SYMBOLS,
    NAMES,
    Mistake,
    Toy,
    features,
    toy,
)
from quant.backtest import backtest
from quant.probes import (
    Finding,
    absent_members,
    matured_before_use,
    overlapping_labels,
    overnight_gain,
    served_difference,
    telling_sessions,
)
from quant.splits import Fold, default_embargo, purged_k_fold, walk_forward
from quant.typing import FloatArray, Int64Array

LEAKS = (
    "forward shift", "centred window", "full-sample scaling", "unpurged overlap",
    "survivor universe", "ranks over future members", "future-adjusted price", "restatement",
    "in-sample calibration", "same-close fill",
)  # fmt: skip
Trading = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
_NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Planted:
    """One leak as it was planted, and what the probe that is there for it said.

    ``few`` is what the same probe says when it is shown three sessions spread over history only.
    """

    leak: str
    manner: str
    finding: Finding
    few: Finding | None = None


def planted(leak: str, seed: int, *, most: int | None = None) -> Iterator[Planted]:
    """One leak in every manner, or in the first `most` of them."""
    yield from islice(_manners_of(leak, seed * 1_000), most)


def _manners_of(leak: str, seed: int) -> Iterator[Planted]:
    if leak == "unpurged overlap":
        yield from _unpurged()
    elif leak == "survivor universe":
        yield from _survivors(seed)
    elif leak == "in-sample calibration":
        yield from _calibrations(seed)
    elif leak == "same-close fill":
        for (manner, trade), share in product(_FILLS.items(), (1.0, 0.5, 0.2, 0.05)):
            told = overnight_gain(_part(trade, share))
            yield Planted(leak, f"{manner} ({share:.0%} of each trade)", told)
    else:
        for mistake, market in _in_features(leak, seed):
            found, few = served(market, mistake), served_thrice(market, mistake)
            yield Planted(leak, _manner(mistake), found, few)


def clean(seed: int) -> Iterator[Finding]:
    """What the same probes say of the same work done properly."""
    market = toy(seed, n_corrected=5)
    yield served(market, None)
    for horizon in (2, 5, 10, 21):
        rows = _rows(horizon)
        folds = (*_purged(rows), *walk_forward(rows.sessions, rows.end))
        yield overlapping_labels(folds, rows.start, rows.end)
        used = [(np.concatenate((f.train, f.validation)), f.test) for f in folds[5:]]
        yield matured_before_use(used, rows.sessions, rows.end)
    days = range(HISTORY, N_SESSIONS, 20)
    yield absent_members(((d, members(market, d)) for d in days), partial(members, market))
    yield overnight_gain(_at_next_open)


def served(market: Toy, mistake: Mistake | None) -> Finding:
    """Training against serving, in the sessions that tell most."""
    days = np.arange(HISTORY, N_SESSIONS - 1)
    changes = market.changes
    return _compared(market, mistake, telling_sessions(days, changes[changes >= HISTORY]))


def served_thrice(market: Toy, mistake: Mistake) -> Finding:
    """Training against serving, in three sessions spread over history."""
    days = np.arange(HISTORY, N_SESSIONS - 1)
    return _compared(market, mistake, telling_sessions(days, _NOTHING, even=3))


def members(market: Toy, day: int) -> frozenset[str]:
    """Who was a member that session."""
    present = (market.joined <= day) & (day < market.left)
    return frozenset(str(n) for n in np.flatnonzero(present))


def _compared(market: Toy, mistake: Mistake | None, sessions: Int64Array) -> Finding:
    whole = features(market, mistake)
    stored = np.concatenate([whole[day] for day in sessions])
    anew = np.concatenate([features(market, mistake, until=int(day))[day] for day in sessions])
    return served_difference(stored, anew, NAMES)


def _in_features(leak: str, seed: int) -> Iterator[tuple[Mistake, Toy]]:
    for n, mistake in enumerate(_mistakes()):
        if mistake.leak != leak:
            continue
        if mistake.leak == "future-adjusted price":
            yield mistake, toy(seed + n, ratio=mistake.size)
        elif mistake.leak == "restatement":
            many, by = int(mistake.size), _SIZES[mistake.style]
            yield mistake, toy(seed + n, n_corrected=many, correction=by)
        else:
            yield mistake, toy(seed + n)


_SIZES = {"a little": 0.002, "some": 0.02, "much": -0.2}


def _mistakes() -> Iterator[Mistake]:
    of_prices = ("return_5", "deviation_21", "volatility_21")
    for style, feature, by in product(("missing", "filled"), of_prices, (1, 2, 5, 21)):
        yield Mistake("forward shift", style, feature, by)
    for style, feature, half in product(("mean", "highest"), of_prices, (1, 3, 10, 30)):
        yield Mistake("centred window", style, feature, half)
    for style, feature in product(("deviations", "range", "ranks"), (*of_prices, "scaled_63")):
        yield Mistake("full-sample scaling", style, feature)
    for share, feature in product((0.01, 0.05, 0.1), (*of_prices, "scaled_63")):
        yield Mistake("full-sample scaling", "clipped", feature, share)
    for _ in range(24):
        yield Mistake("ranks over future members", "rank and mean")
    for ratio, _ in product((2.0, 3.0, 1.5, 1.05, 1.002, 0.1), range(4)):
        yield Mistake("future-adjusted price", "split or dividend", size=ratio)
    for style, count, _ in product(_SIZES, (1, 3, 10, 40), range(2)):
        yield Mistake("restatement", style, size=count)


def _manner(mistake: Mistake) -> str:
    told = (mistake.style, mistake.feature, f"{mistake.size:g}" if mistake.size else "")
    return " ".join(part for part in told if part)


@dataclass(frozen=True)
class _Labelled:
    sessions: Int64Array
    start: Int64Array
    end: Int64Array


def _rows(horizon: int) -> _Labelled:
    sessions = np.tile(np.arange(HISTORY, N_SESSIONS - horizon - 2), N_SYMBOLS).astype(np.int64)
    return _Labelled(sessions, sessions + 1, sessions + 1 + horizon)


def _purged(rows: _Labelled) -> tuple[Fold, ...]:
    embargo = default_embargo(rows.sessions, rows.start, rows.end)
    return tuple(purged_k_fold(rows.sessions, rows.start, rows.end, n_folds=5, embargo=embargo))


def _unpurged() -> Iterator[Planted]:
    for horizon in (1, 2, 3, 5, 10, 21):
        rows = _rows(horizon)
        days, place = np.unique(rows.sessions, return_inverse=True)
        dealt = np.random.default_rng(horizon).integers(0, 5, days.size)[place]
        blocks = np.minimum(place // (days.size // 5), 4)
        short = _Labelled(rows.sessions, rows.start, rows.end - 1)
        manners = {
            "sessions dealt out": _grouped(dealt),
            "blocks that touch": _grouped(blocks),
            "purged by one session too few": tuple(
                purged_k_fold(rows.sessions, short.start, short.end, n_folds=5, embargo=0)
            ),
            "walked without a gap": tuple(_walked(rows.sessions)),
        }
        for manner, folds in manners.items():
            told = overlapping_labels(folds, rows.start, rows.end)
            yield Planted("unpurged overlap", f"{manner}, horizon {horizon}", told)


def _grouped(group: Int64Array) -> tuple[Fold, ...]:
    return tuple(
        Fold(np.flatnonzero(group != n), _NOTHING, np.flatnonzero(group == n)) for n in range(5)
    )


def _walked(sessions: Int64Array) -> Iterator[Fold]:
    for first in range(HISTORY + 252, int(sessions.max()), 21):
        train = (sessions >= first - 252) & (sessions < first)
        test = (sessions >= first) & (sessions < first + 21)
        yield Fold(np.flatnonzero(train), _NOTHING, np.flatnonzero(test))


def _survivors(seed: int) -> Iterator[Planted]:
    for leavers, n in product((1, 2, 3, 4), range(6)):
        market = toy(seed + 500 + n, n_leavers=leavers)
        last = members(market, N_SESSIONS - 1)
        learnt = ((d, members(market, d) & last) for d in range(HISTORY, N_SESSIONS, 20))
        told = absent_members(learnt, partial(members, market))
        yield Planted("survivor universe", f"{leavers} had left", told)


def _calibrations(seed: int) -> Iterator[Planted]:
    for horizon in (1, 2, 5, 10, 21):
        rows = _rows(horizon)
        everything = np.arange(rows.sessions.size)
        tested = everything[rows.sessions >= 300]
        half = np.random.default_rng(seed + horizon).random(everything.size) < 0.5
        manners = {
            "on all outcomes": everything,
            "on those it serves": tested,
            "on a random half": everything[half],
            "on outcomes due a session later": everything[rows.end <= 301],
            "on decisions made before": everything[rows.sessions < 300],
        }
        for manner, fitted in manners.items():
            told = matured_before_use([(fitted, tested)], rows.sessions, rows.end)
            yield Planted("in-sample calibration", f"{manner}, horizon {horizon}", told)


def _at_next_open(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    return backtest(opens, closes, np.full(opens.shape, 1e9), weights).returns


def _at_the_close(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    """Filled at the very close that was decided on."""
    earned = np.zeros(closes.shape[0])
    earned[1:] = (weights[:-1] * (closes[1:] / closes[:-1] - 1.0)).sum(axis=1)
    return earned


def _before_the_open(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    """Filled half-way between that close and the next open."""
    middle = np.sqrt(closes[:-1] * opens[1:])
    earned = np.zeros(closes.shape[0])
    earned[1:] = (weights[:-1] * (closes[1:] / middle - 1.0)).sum(axis=1)
    return earned


def _at_its_own_open(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    """Filled at the open before the close that was decided on."""
    earned = np.zeros(closes.shape[0])
    held = np.vstack((np.zeros(weights.shape[1]), weights[:-1]))
    earned += (weights * (closes / opens - 1.0)).sum(axis=1)
    earned[1:] += (held[1:] * (opens[1:] / closes[:-1] - 1.0)).sum(axis=1)
    return earned


def _with_next_weights(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    """Holds over each night what is decided after it."""
    moved = np.vstack((weights[1:], weights[-1:]))
    return _at_the_close(opens, closes, moved)


def _at_the_lower(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    """Filled at the close decided on or at the next open, whichever was kinder."""
    price = np.minimum(closes[:-1], opens[1:])
    earned = np.zeros(closes.shape[0])
    earned[1:] = (weights[:-1] * (closes[1:] / price - 1.0)).sum(axis=1)
    return earned


_FILLS = {
    "at the close decided on": _at_the_close,
    "half-way to the next open": _before_the_open,
    "at the open before": _at_its_own_open,
    "with the next weights": _with_next_weights,
    "at the kinder of two prices": _at_the_lower,
}


def _part(trade: Trading, share: float) -> Trading:
    """A share of every trade filled the wrong way, the rest at the next open."""

    def mixed(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
        wrong, right = trade(opens, closes, weights), _at_next_open(opens, closes, weights)
        return share * wrong + (1.0 - share) * right

    return mixed
