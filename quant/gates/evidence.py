"""What is known of a model, before anybody judges it. Figures are of *active* net returns."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from quant.overfitting import deflated_sharpe_ratio, minimum_track_record_length
from quant.performance import SESSIONS_PER_YEAR, scaled_drawdown, sharpe_ratio
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
        Trades of the walk-forward backtest.
    hit_rate : float
        Share of the backtest's closed trades that gained.
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
        Sample variance (ddof 1) of their Sharpe ratios per session.
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
