"""Whether value-at-risk figures held: coverage, independence and the supervisor's zones.

`level` is the confidence of the figures: at 0.99, 1 % of periods are expected to be exceptions.
By convention 0 · ln 0 is 0.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
from scipy.stats import binom, chi2

from quant.typing import BoolArray, FloatArray, IntArray
from quant.validate import require_level


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test: its statistic, p-value and degrees of freedom."""

    statistic: float
    p_value: float
    degrees_of_freedom: int


@dataclass(frozen=True)
class KupiecTest(LikelihoodRatio):
    """Unconditional coverage; `conclusive` is False below five expected exceptions."""

    exceptions: int
    n_obs: int
    expected: float
    conclusive: bool


@dataclass(frozen=True)
class ChristoffersenTest:
    """Coverage, independence and both; ``statistic`` and ``p_value`` are those of both.

    ``counts`` holds the transitions n00, n01, n10, n11. The conditional statistic is the sum of
    the other two, each from its own observations.
    """

    unconditional: LikelihoodRatio
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
        If there are no periods, exceptions are not between 0 and `n_obs`, or `level` is
        outside (0, 1).

    References
    ----------
    Kupiec (1995), "Techniques for verifying the accuracy of risk measurement models", Journal
    of Derivatives 3, 73-84. Jorion (2007), "Value at Risk", 3rd ed., 147.
    """
    require_level(level)
    if n_obs < 1 or not 0 <= exceptions <= n_obs:
        raise ValueError(
            f"exceptions must lie between 0 and `n_obs` >= 1, were {exceptions} of {n_obs}."
        )
    kept, share = n_obs - exceptions, exceptions / n_obs
    statistic = -2.0 * (
        _log_likelihood(kept, exceptions, 1.0 - level) - _log_likelihood(kept, exceptions, share)
    )
    ratio = _ratio(statistic, 1)
    expected = n_obs * (1.0 - level)
    return KupiecTest(
        statistic=ratio.statistic,
        p_value=ratio.p_value,
        degrees_of_freedom=1,
        exceptions=exceptions,
        n_obs=n_obs,
        expected=expected,
        conclusive=expected >= 5.0 - 1e-9,
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
    marks = np.asarray(hits, dtype=np.float64)
    if marks.ndim != 1 or marks.size < 2 or not np.isin(marks, (0.0, 1.0)).all():
        raise ValueError(
            f"`hits` must be at least two zeros and ones in order of time, had shape {marks.shape}."
        )
    before, after = marks[:-1] > 0.5, marks[1:] > 0.5
    n00, n01 = int((~before & ~after).sum()), int((~before & after).sum())
    n10, n11 = int((before & ~after).sum()), int((before & after).sum())
    pooled = (n01 + n11) / (marks.size - 1)
    alternative = _log_likelihood(n00, n01, n01 / max(n00 + n01, 1)) + _log_likelihood(
        n10, n11, n11 / max(n10 + n11, 1)
    )
    independence = _ratio(-2.0 * (_log_likelihood(n00 + n10, n01 + n11, pooled) - alternative), 1)
    unconditional = kupiec_test(int(marks.sum()), marks.size, level=level)
    return ChristoffersenTest(
        unconditional=unconditional,
        independence=independence,
        conditional=_ratio(unconditional.statistic + independence.statistic, 2),
        counts=(n00, n01, n10, n11),
    )


def basel_zone(exceptions: int) -> Literal["green", "yellow", "red"]:
    """Supervisory zone of a 99 % figure over 250 sessions, and of nothing else.

    Parameters
    ----------
    exceptions : int
        Of 250 sessions.

    Returns
    -------
    str
        "green" up to 4, "yellow" up to 9, "red" from 10.

    Raises
    ------
    ValueError
        If `exceptions` is not between 0 and 250.

    References
    ----------
    Basel Committee (1996), "Supervisory framework for the use of backtesting", table 2.
    """
    if not 0 <= exceptions <= 250:
        raise ValueError(f"`exceptions` must lie between 0 and 250, was {exceptions}.")
    # The zones begin where the binomial's cumulative probability reaches 95 % and 99.99 %.
    reached = float(binom.cdf(exceptions, 250, 0.01))
    if reached < 0.95:
        return "green"
    return "yellow" if reached < 0.9999 else "red"


def _log_likelihood(kept: int, hit: int, share: float) -> float:
    first = kept * log(1.0 - share) if kept else 0.0
    return first + (hit * log(share) if hit else 0.0)


def _ratio(statistic: float, degrees_of_freedom: int) -> LikelihoodRatio:
    # Rounding can leave a statistic of zero just below it.
    kept = max(0.0, statistic)
    return LikelihoodRatio(kept, float(chi2.sf(kept, degrees_of_freedom)), degrees_of_freedom)
