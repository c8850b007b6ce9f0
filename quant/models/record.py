"""What became of forecasts, how sure that is, and when a model has stopped keeping its word."""

from dataclasses import dataclass

import numpy as np

from quant.typing import BoolArray, FloatArray, IntArray

# Below so many names a session's rank correlation is mostly chance.
MIN_NAMES = 20
LOOK_SESSIONS = 63
_DRAWS = 2_000
_BLOCK = 21  # sessions: longer than the labels that overlap
_ENDS = (0.025, 0.975)
_FLOOR = 0.05
_MIN_BLOCKS = 4


@dataclass(frozen=True)
class Range:
    """A figure with its 95 % range over blocks of sessions; None where there are too few."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Record:
    """How matured forecasts did.

    Attributes
    ----------
    n, sessions : int
        Forecasts, and the sessions they were made in.
    hit_rate : Range
        Share of directions called rightly.
    brier : Range
        Mean squared distance of probability and outcome; a coin's is 0.25.
    coverage : Range
        Share of outcomes within the stated range, of 80 % by intent.
    ic : Range or None
        Mean of the sessions' rank correlations; None unless some session has 20 names.
    icir : float or None
        That over their deviation.
    luck : float
        Hit rate of the same calls, had they known nothing of what came: a call for a rise is right
        as often as anything rises, one for a fall as often as anything falls.
    lucky : bool
        Nothing tells the hit rate from luck's.
    """

    n: int
    sessions: int
    hit_rate: Range
    brier: Range
    coverage: Range
    ic: Range | None
    icir: float | None
    luck: float
    lucky: bool


@dataclass(frozen=True)
class Outcomes:
    """Matured forecasts, one entry for each.

    Attributes
    ----------
    sessions : int array
        Session ordinal of the decision.
    probability : float64 array
        Of a positive excess return.
    low, high, excess : float64 arrays
        Range stated and excess return realised, as fractions.
    """

    sessions: IntArray
    probability: FloatArray
    low: FloatArray
    high: FloatArray
    excess: FloatArray

    def take(self, rows: BoolArray) -> "Outcomes":
        """Those chosen."""
        return Outcomes(
            self.sessions[rows],
            self.probability[rows],
            self.low[rows],
            self.high[rows],
            self.excess[rows],
        )


def record_of(outcomes: Outcomes, *, seed: int = 0) -> Record:
    """Score matured forecasts.

    Parameters
    ----------
    outcomes : Outcomes
        At least one.
    seed : int
        Fixes the draws of the bootstrap.

    Returns
    -------
    Record
        Ranges come from drawing blocks of 21 sessions with replacement (Künsch 1989, "The
        jackknife and the bootstrap for general stationary observations", Annals of Statistics
        17, 1217-1241), because labels overlap and symbols move together. Luck is that of Pesaran &
        Timmermann (1992, "A simple nonparametric test of predictive performance", Journal of
        Business & Economic Statistics 10, 461-465): half of all calls would be right only where
        as much rises as falls, and a word that is always the same knows nothing.

    Raises
    ------
    ValueError
        If there is none.
    """
    if outcomes.sessions.size == 0:
        raise ValueError("a record needs at least one matured forecast, there was none.")
    won = outcomes.excess > 0.0
    rises = outcomes.probability >= 0.5
    right = (rises == won).astype(np.float64)
    missed = (outcomes.probability - won) ** 2
    inside = ((outcomes.excess >= outcomes.low) & (outcomes.excess <= outcomes.high)).astype(
        np.float64
    )
    hits, brier, coverage = (
        _range(outcomes.sessions, values, seed) for values in (right, missed, inside)
    )
    skill = _skill(outcomes.sessions, rises, won, seed)
    days, ranks = _rank_correlations(outcomes)
    spread = float(ranks.std(ddof=1)) if ranks.size > 1 else 0.0
    return Record(
        n=int(won.size),
        sessions=int(np.unique(outcomes.sessions).size),
        hit_rate=hits,
        brier=brier,
        coverage=coverage,
        ic=_range(days, ranks, seed) if ranks.size else None,
        icir=float(ranks.mean()) / spread if spread > 0.0 else None,
        luck=hits.value - skill.value,
        lucky=skill.low is None or skill.high is None or skill.low <= 0.0 <= skill.high,
    )


def gains(outcomes: Outcomes) -> FloatArray:
    """Mean excess return of following the calls, by session in order of time.

    Parameters
    ----------
    outcomes : Outcomes
        A call is for the direction thought more likely.

    Returns
    -------
    array of shape (n_sessions,)
        As a fraction over the horizon.
    """
    followed = np.where(outcomes.probability >= 0.5, outcomes.excess, -outcomes.excess)
    days, place = np.unique(outcomes.sessions, return_inverse=True)
    total = np.bincount(place, followed, minlength=days.size)
    mean: FloatArray = total / np.bincount(place, minlength=days.size)
    return mean


def expected_floor(before: FloatArray, *, look: int = LOOK_SESSIONS, seed: int = 0) -> float | None:
    """What the mean gain of a look falls below once in twenty, if nothing has changed.

    Parameters
    ----------
    before : array of shape (n_sessions,)
        Gains by session of the walk-forward record.
    look : int
        Sessions of a look.
    seed : int
        Fixes the draws.

    Returns
    -------
    float or None
        The 5th percentile over looks drawn from blocks of 21 sessions; None where the record is
        shorter than four looks, so that it has hardly any to draw.
    """
    if before.size < _MIN_BLOCKS * look:
        return None
    drawn = _blocks(before.size, look, seed)
    return float(np.quantile(before[drawn].mean(axis=1), _FLOOR))


def keeps_its_word(
    live: FloatArray, before: FloatArray, *, look: int = LOOK_SESSIONS, seed: int = 0
) -> bool:
    """Whether not both of the last two whole looks fell below what was to be expected.

    Parameters
    ----------
    live : array of shape (n_sessions,)
        Gains by session since the model serves, or was promoted, in order of time; looks follow
        each other from the first and do not overlap.
    before : array of shape (n_sessions,)
        The same of its walk-forward record.
    look : int
        Sessions of a look.
    seed : int
        Fixes the draws.

    Returns
    -------
    bool
        False where the model is to be demoted; true while there are fewer than two looks or no
        record to judge them by.
    """
    floor = expected_floor(before, look=look, seed=seed)
    n_looks = live.size // look
    if floor is None or n_looks < 2:
        return True
    means = live[: n_looks * look].reshape(n_looks, look).mean(axis=1)
    return not bool((means[-2:] < floor).all())


def _skill(sessions: IntArray, rises: BoolArray, won: BoolArray, seed: int) -> Range:
    """Hit rate less luck's: twice the covariance of calls and outcomes, so 0 for one call only."""
    values = np.stack((rises & won, rises, won)).astype(np.float64)
    both, called, rose = values.mean(axis=1)
    value = float(2.0 * (both - called * rose))
    means = _drawn_means(sessions, values, seed)
    if means is None:
        return Range(value, None, None)
    low, high = np.quantile(2.0 * (means[0] - means[1] * means[2]), _ENDS)
    return Range(value, float(low), float(high))


def _range(sessions: IntArray, values: FloatArray, seed: int) -> Range:
    means = _drawn_means(sessions, values[None], seed)
    if means is None:
        return Range(float(values.mean()), None, None)
    low, high = np.quantile(means[0], _ENDS)
    return Range(float(values.mean()), float(low), float(high))


def _drawn_means(sessions: IntArray, values: FloatArray, seed: int) -> FloatArray | None:
    """Mean of each row of values in each draw; None where there are too few sessions to draw."""
    days, place = np.unique(sessions, return_inverse=True)
    if days.size < _MIN_BLOCKS * _BLOCK:
        return None
    drawn = _blocks(days.size, days.size, seed)
    counted = np.bincount(place, minlength=days.size)[drawn].sum(axis=1)
    totals = [np.bincount(place, row, minlength=days.size)[drawn].sum(axis=1) for row in values]
    means: FloatArray = np.stack(totals) / counted
    return means


def _blocks(n_days: int, length: int, seed: int) -> IntArray:
    """Places of `length` sessions, drawn in blocks, once for each draw."""
    rng = np.random.default_rng(seed)
    n_blocks = -(-length // _BLOCK)
    first = rng.integers(0, n_days - _BLOCK + 1, size=(_DRAWS, n_blocks))
    drawn = first[:, :, None] + np.arange(_BLOCK)
    return drawn.reshape(_DRAWS, -1)[:, :length]


def _rank_correlations(outcomes: Outcomes) -> tuple[IntArray, FloatArray]:
    """Sessions of 20 names or more, and Spearman's correlation of forecast and outcome in each."""
    from scipy.stats import rankdata  # noqa: PLC0415  costs more than a second

    order = np.argsort(outcomes.sessions, kind="stable")
    borders = np.flatnonzero(np.diff(outcomes.sessions[order])) + 1
    days, found = [], []
    for rows in np.split(order, borders):
        if rows.size < MIN_NAMES:
            continue
        said, came = (rankdata(v[rows]) for v in (outcomes.probability, outcomes.excess))
        if said.std() > 0.0 and came.std() > 0.0:
            days.append(int(outcomes.sessions[rows[0]]))
            found.append(float(np.corrcoef(said, came)[0, 1]))
    return np.array(days, dtype=np.int64), np.array(found)
