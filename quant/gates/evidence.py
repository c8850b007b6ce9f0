"""What is known of a model, before anybody judges it. Figures are of *active* net returns."""

from dataclasses import dataclass

import numpy as np

from quant.overfitting import deflated_sharpe_ratio, minimum_track_record_length
from quant.performance import (
    SESSIONS_PER_YEAR,
    scaled_drawdown,
    sharpe_ratio,
    trade_statistics,
)
from quant.typing import FloatArray
from quant.validate import require_finite


@dataclass(frozen=True)
class Evidence:
    """What is known of a model; None is "unknown", which fails.

    Attributes
    ----------
    walk_forward_sharpe : float
        Of active net returns, per year.
    deflated_sharpe : float
        Probability, over every trial ever made.
    overfitting_probability : float
        PBO over the study's trials.
    combinatorial_sharpe : float
        10th percentile of the combinatorial paths' Sharpe ratios, per year.
    track_record : float
        Walk-forward sessions.
    track_record_needed : float
        Minimum track record length, in sessions; may be infinite.
    scaled_drawdown : float
        Maximum drawdown at 10 % yearly volatility, a positive fraction.
    trades : float
        Closed trades of the walk-forward backtest: from flat to flat, however often they were
        added to on the way.
    hit_rate : float
        Share of these that gained, net of costs; unknown without one.
    leakage_probes : bool
        Whether every probe passed.
    regime_stability : float
        Lowest yearly Sharpe ratio of active returns over the regimes of the market; unknown
        unless a year was lived in each.
    universe_point_in_time : bool
        False for a universe chosen with hindsight.
    real_data : bool
        False where simulated data entered training.
    """

    walk_forward_sharpe: float | None = None
    deflated_sharpe: float | None = None
    overfitting_probability: float | None = None
    combinatorial_sharpe: float | None = None
    track_record: float | None = None
    track_record_needed: float | None = None
    scaled_drawdown: float | None = None
    trades: float | None = None
    hit_rate: float | None = None
    leakage_probes: bool | None = None
    regime_stability: float | None = None
    universe_point_in_time: bool | None = None
    real_data: bool | None = None


def deflating_variance(
    trial_sharpes: FloatArray, *, n_obs: float, least: float = 1.0
) -> float | None:
    """Variance of trials' ratios that a record of `n_obs` sessions is deflated by.

    Luck alone gives a ratio of `n_obs` sessions the variance ``1 / n_obs``. Trials that copy each
    other, or a flood of trials alike, spread less, which would lower the hurdle for the best of
    those that differ; so the variance taken is never below `least` times that of luck.

    Parameters
    ----------
    trial_sharpes : array of shape (n_trials,)
        Ratio per session of every trial that has returns.
    n_obs : float
        Sessions of the record that is judged, positive.
    least : float
        Multiple of luck's variance below which none is taken; 0 takes the sample's as it is.

    Returns
    -------
    float or None
        Per session squared; None for fewer than two trials, whose variance nobody knows.

    Raises
    ------
    ValueError
        If a ratio is not finite, `n_obs` not positive or `least` negative.

    References
    ----------
    Bailey & López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio Management
    40, 94-107: the variance of the trials. Lo (2002), "The statistics of Sharpe ratios", Financial
    Analysts Journal 58, 36-52: that of a ratio without skill.
    """
    require_finite(trial_sharpes, name="trial_sharpes")
    if not (n_obs > 0.0 and least >= 0.0):
        raise ValueError(
            f"`n_obs` must be positive and `least` not negative, were {n_obs} and {least}."
        )
    if trial_sharpes.size < 2:
        return None
    return max(float(np.var(trial_sharpes, ddof=1)), least / n_obs)


def evidence_of_trades(profits: FloatArray) -> tuple[float, float | None]:
    """Number of closed trades, and the share of them that gained.

    Parameters
    ----------
    profits : array of shape (n_trades,)
        Net profit of each, in one unit; one that ends at exactly zero is no win.

    Returns
    -------
    tuple of (float, float or None)
        The share is None without a trade: nobody knows it.

    Raises
    ------
    ValueError
        If a profit is not finite.
    """
    require_finite(profits, name="profits")
    won = trade_statistics(profits).win_rate if profits.size else None
    return float(profits.size), won


def evidence_of_returns(
    active: FloatArray,
    *,
    n_trials: float | None,
    trial_variance: float | None,
    confidence: float = 0.95,
) -> Evidence:
    """Figures that follow from active daily net returns and the ledger of trials.

    Parameters
    ----------
    active : array of shape (n_obs,)
        Active net returns of the walk-forward backtest, one per session.
    n_trials : float, optional
        Every configuration ever scored; None where the history is unknown.
    trial_variance : float, optional
        Of their Sharpe ratios per session, from `deflating_variance`.
    confidence : float
        Of the minimum track record length.

    Returns
    -------
    Evidence
        With Sharpe, deflated Sharpe, track record and drawdown; the rest is unknown. Returns
        that do not vary have no Sharpe ratio: then only the track record's length is known.

    Raises
    ------
    ValueError
        If `active` is not finite.
    """
    require_finite(active, name="active")
    if active.size < 3 or float(np.std(active)) <= 1e-14:
        return Evidence(track_record=float(active.size))
    ratio = sharpe_ratio(active, periods_per_year=1)
    from scipy import stats  # noqa: PLC0415  costs more than a second

    asymmetry, tails = float(stats.skew(active)), float(stats.kurtosis(active, fisher=False))
    deflated = None
    if n_trials is not None and trial_variance is not None:
        deflated = deflated_sharpe_ratio(
            ratio,
            n_obs=active.size,
            n_trials=n_trials,
            trial_variance=trial_variance,
            skew=asymmetry,
            kurtosis=tails,
        )
    return Evidence(
        walk_forward_sharpe=ratio * float(np.sqrt(SESSIONS_PER_YEAR)),
        deflated_sharpe=deflated,
        track_record=float(active.size),
        track_record_needed=minimum_track_record_length(
            ratio, benchmark=0.0, confidence=confidence, skew=asymmetry, kurtosis=tails
        ),
        scaled_drawdown=scaled_drawdown(active),
    )
