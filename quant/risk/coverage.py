"""Whether value-at-risk figures held: coverage, independence and the supervisor's zones.

`level` is the confidence of the figures: at 0.99, 1 % of periods are expected to be exceptions.
By convention 0 · ln 0 is 0.

The chi-squared p-values are those of the literature and hold for many exceptions. Where fewer
than five are expected a test is marked `insufficient` and carries a Monte Carlo p-value beside
the other: the share of seeded draws under the null hypothesis whose statistic is at least the
observed one, the observed one counted among them (Dufour 2006, "Monte Carlo tests with nuisance
parameters", Journal of Econometrics 133, 443-477; for these tests Christoffersen & Pelletier
2004, "Backtesting value-at-risk: a duration-based approach", Journal of Financial Econometrics 2,
84-108). Ties count against the figures, so that it never rejects more often than it says.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtr as binomial_cdf
from scipy.special import chdtrc as chi_squared_tail
from scipy.special import xlogy

from quant.typing import BoolArray, Float64Array, FloatArray, IntArray
from quant.validate import require_level, require_positive_int

Zone = Literal["green", "yellow", "red"]

_FEWEST_EXPECTED = 5.0
_DRAWS = 9_999
_BATCH = 2_000_000  # draws held in memory at once
_SEED = 1995
# Sessions and level the supervisor's table is made for, and for nothing else.
_ZONE_OBS = 250
_ZONE_LEVEL = 0.99
# Basel Committee (1996), table 2: what is added to the factor 3 at 5 to 9 exceptions.
_PLUS_FACTORS = (0.40, 0.50, 0.65, 0.75, 0.85)


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Attributes
    ----------
    statistic : float
        Twice the log of the ratio.
    p_value : float
        Of the chi-squared distribution.
    degrees_of_freedom : int
        Of that distribution.
    monte_carlo_p_value : float or None
        From seeded draws under the null; None where the test is not `insufficient`.
    """

    statistic: float
    p_value: float
    degrees_of_freedom: int
    monte_carlo_p_value: float | None = None


@dataclass(frozen=True)
class KupiecTest(LikelihoodRatio):
    """Unconditional coverage; `insufficient` below five expected exceptions."""

    exceptions: int = 0
    n_obs: int = 0
    expected: float = 0.0
    insufficient: bool = False


@dataclass(frozen=True)
class ChristoffersenTest:
    """Coverage, independence and both; ``statistic`` and ``p_value`` are those of both.

    ``counts`` holds the transitions n00, n01, n10, n11. The conditional statistic is the sum of
    the other two, each from its own observations: all periods, and those that have a previous
    one.
    """

    unconditional: KupiecTest
    independence: LikelihoodRatio
    conditional: LikelihoodRatio
    counts: tuple[int, int, int, int]

    @property
    def statistic(self) -> float:
        """Statistic of conditional coverage."""
        return self.conditional.statistic

    @property
    def p_value(self) -> float:
        """P-value of conditional coverage."""
        return self.conditional.p_value

    @property
    def insufficient(self) -> bool:
        """Whether fewer than five exceptions were expected."""
        return self.unconditional.insufficient


def kupiec_test(exceptions: int, n_obs: int, *, level: float) -> KupiecTest:
    """Test whether losses exceeded the figures as often as they should.

    Parameters
    ----------
    exceptions : int
        Periods whose loss exceeded the figure.
    n_obs : int
        Periods.
    level : float
        Confidence of the figures, strictly between 0 and 1.

    Returns
    -------
    KupiecTest
        Chi-squared with one degree of freedom.

    Raises
    ------
    ValueError
        If there are no periods, exceptions are not a whole number between 0 and `n_obs`, or
        `level` is outside (0, 1).

    References
    ----------
    Kupiec (1995), "Techniques for verifying the accuracy of risk measurement models", Journal
    of Derivatives 3, 73-84. Jorion (2007), "Value at Risk", 3rd ed., 147.
    """
    require_level(level)
    require_positive_int(n_obs, name="n_obs")
    require_positive_int(exceptions, name="exceptions", at_least=0)
    if exceptions > n_obs:
        raise ValueError(
            f"`exceptions` must lie between 0 and `n_obs`, were {exceptions} of {n_obs}."
        )
    expected = n_obs * (1.0 - level)
    insufficient = bool(expected < _FEWEST_EXPECTED - 1e-9)
    statistic = float(_coverage(np.array([exceptions]), n_obs, level)[0])
    drawn = None
    if insufficient:
        counts = np.random.default_rng(_SEED).binomial(n_obs, 1.0 - level, size=_DRAWS)
        drawn = _share_as_large(_coverage(counts, n_obs, level), statistic)
    return KupiecTest(
        statistic=statistic,
        p_value=float(chi_squared_tail(1, statistic)),
        degrees_of_freedom=1,
        monte_carlo_p_value=drawn,
        exceptions=int(exceptions),
        n_obs=int(n_obs),
        expected=expected,
        insufficient=insufficient,
    )


def christoffersen_test(
    hits: BoolArray | IntArray | FloatArray, *, level: float
) -> ChristoffersenTest:
    """Test whether exceptions came as often as they should and independently of each other.

    Parameters
    ----------
    hits : array of shape (n_obs,)
        1 or True where the loss exceeded the figure, in order of time; at least two.
    level : float
        Confidence of the figures, strictly between 0 and 1.

    Returns
    -------
    ChristoffersenTest
        Unconditional and independence with one degree of freedom, conditional with two.

    Raises
    ------
    ValueError
        If there are fewer than two periods, a hit is neither 0 nor 1, or `level` is outside
        (0, 1).

    References
    ----------
    Christoffersen (1998), "Evaluating interval forecasts", International Economic Review 39,
    841-862.
    """
    require_level(level)
    marks = np.asarray(hits, dtype=np.float64)
    if marks.ndim != 1 or marks.size < 2 or not np.isin(marks, (0.0, 1.0)).all():
        raise ValueError(
            f"`hits` must be at least two zeros and ones in order of time, had shape {marks.shape}."
        )
    unconditional = kupiec_test(int(marks.sum()), marks.size, level=level)
    counts = _transitions(marks[None, :] > 0.5)
    independent = float(_independence(*counts)[0])
    both = unconditional.statistic + independent
    alone, joint = (
        _drawn_p_values(marks.size, level, independent, both)
        if unconditional.insufficient
        else (None, None)
    )
    return ChristoffersenTest(
        unconditional=unconditional,
        independence=LikelihoodRatio(
            independent, float(chi_squared_tail(1, independent)), 1, alone
        ),
        conditional=LikelihoodRatio(both, float(chi_squared_tail(2, both)), 2, joint),
        counts=(int(counts[0][0]), int(counts[1][0]), int(counts[2][0]), int(counts[3][0])),
    )


def independence_test(n00: int, n01: int, n10: int, n11: int) -> LikelihoodRatio:
    """Test from counted transitions whether an exception depends on the period before.

    Parameters
    ----------
    n00, n01, n10, n11 : int
        Periods by the previous and the present state; 1 is an exception.

    Returns
    -------
    LikelihoodRatio
        Chi-squared with one degree of freedom.

    Raises
    ------
    ValueError
        If a count is negative or all are zero.

    References
    ----------
    Christoffersen (1998), International Economic Review 39, 841-862. Jorion (2007), "Value at
    Risk", 3rd ed., 151-153.
    """
    counts = (n00, n01, n10, n11)
    if min(counts) < 0 or sum(counts) == 0:
        raise ValueError(f"transitions must be counts with at least one, were {counts}.")
    first, second, third, fourth = (np.array([count]) for count in counts)
    statistic = float(_independence(first, second, third, fourth)[0])
    return LikelihoodRatio(statistic, float(chi_squared_tail(1, statistic)), 1)


def basel_zone(exceptions: int, n_obs: int = _ZONE_OBS, *, level: float = _ZONE_LEVEL) -> Zone:
    """Supervisory zone of a 99 % figure over 250 sessions, and of nothing else.

    Parameters
    ----------
    exceptions : int
        Sessions whose loss exceeded the figure.
    n_obs : int
        Sessions; must be 250.
    level : float
        Confidence of the figures; must be 0.99.

    Returns
    -------
    str
        "green" up to 4, "yellow" up to 9, "red" from 10.

    Raises
    ------
    ValueError
        If the record is not one of 250 sessions at 99 %, or `exceptions` is not between 0 and
        250.

    References
    ----------
    Basel Committee (1996), "Supervisory framework for the use of backtesting in conjunction
    with the internal models approach to market risk capital requirements", table 2.
    """
    if n_obs != _ZONE_OBS or abs(level - _ZONE_LEVEL) > 1e-12:
        raise ValueError(
            f"the supervisor's zones are defined for {_ZONE_OBS} sessions at 99 % only, were "
            f"{n_obs} at {level:.2%}. Give the last {_ZONE_OBS} sessions of a 99 % figure, or use "
            "`kupiec_test`."
        )
    require_positive_int(exceptions, name="exceptions", at_least=0)
    if exceptions > _ZONE_OBS:
        raise ValueError(f"`exceptions` must lie between 0 and 250, was {exceptions}.")
    # The zones begin where the binomial's cumulative probability reaches 95 % and 99.99 %.
    reached = float(binomial_cdf(exceptions, _ZONE_OBS, 1.0 - _ZONE_LEVEL))
    if reached < 0.95:
        return "green"
    return "yellow" if reached < 0.9999 else "red"


def basel_plus_factor(
    exceptions: int, n_obs: int = _ZONE_OBS, *, level: float = _ZONE_LEVEL
) -> float:
    """Supervisory addition to the capital factor of 3, by the exceptions of 250 sessions.

    Parameters
    ----------
    exceptions, n_obs, level
        As for `basel_zone`.

    Returns
    -------
    float
        0 in the green zone, 0.40 to 0.85 in the yellow one, 1 in the red one.

    Raises
    ------
    ValueError
        As `basel_zone`.

    References
    ----------
    Basel Committee (1996), table 2.
    """
    zone = basel_zone(exceptions, n_obs, level=level)
    if zone == "yellow":
        return _PLUS_FACTORS[exceptions - 5]
    return 0.0 if zone == "green" else 1.0


def _coverage(exceptions: IntArray, n_obs: int, level: float) -> Float64Array:
    kept = n_obs - exceptions
    share = exceptions / n_obs
    return _not_negative(
        2.0
        * (
            _log_likelihood(kept, exceptions, share)
            - _log_likelihood(kept, exceptions, np.full(exceptions.shape, 1.0 - level))
        )
    )


def _independence(n00: IntArray, n01: IntArray, n10: IntArray, n11: IntArray) -> Float64Array:
    pooled = (n01 + n11) / (n00 + n01 + n10 + n11)
    after_none = n01 / np.maximum(n00 + n01, 1)
    after_one = n11 / np.maximum(n10 + n11, 1)
    apart = _log_likelihood(n00, n01, after_none) + _log_likelihood(n10, n11, after_one)
    return _not_negative(2.0 * (apart - _log_likelihood(n00 + n10, n01 + n11, pooled)))


def _log_likelihood(kept: IntArray, hit: IntArray, share: Float64Array) -> Float64Array:
    # xlogy has the convention: 0 · ln 0 is 0
    found: Float64Array = xlogy(kept, 1.0 - share) + xlogy(hit, share)
    return found


def _not_negative(statistic: Float64Array) -> Float64Array:
    # Rounding can leave a statistic of zero just below it.
    kept: Float64Array = np.maximum(statistic, 0.0)
    return kept


def _transitions(hits: BoolArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Transitions of each row of ``(n_records, n_obs)``."""
    before, after = hits[:, :-1], hits[:, 1:]
    both = (before & after).sum(axis=1)
    n10, n01 = before.sum(axis=1) - both, after.sum(axis=1) - both
    return before.shape[1] - both - n10 - n01, n01, n10, both


def _drawn_p_values(
    n_obs: int, level: float, independence: float, conditional: float
) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)
    alone, joint = [], []
    left = _DRAWS
    while left:
        rows = min(left, max(1, _BATCH // n_obs))
        hits = rng.random((rows, n_obs), dtype=np.float32) < 1.0 - level
        apart = _independence(*_transitions(hits))
        alone.append(apart)
        joint.append(apart + _coverage(hits.sum(axis=1), n_obs, level))
        left -= rows
    return (
        _share_as_large(np.concatenate(alone), independence),
        _share_as_large(np.concatenate(joint), conditional),
    )


def _share_as_large(drawn: Float64Array, observed: float) -> float:
    # The tolerance keeps a tie a tie whatever way its statistic was summed.
    return float((1 + np.count_nonzero(drawn >= observed - 1e-9)) / (drawn.size + 1))
