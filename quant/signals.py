"""From forecasts to target weights, by a policy anyone can state in one line."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from quant.typing import BoolArray, FloatArray, IntArray

SWING = "swing trend"
REVERSION = "mean reversion"
"""What the classical strategies are called; see `quant.strategies`."""


@dataclass(frozen=True)
class Policy:
    """How forecasts become weights.

    Attributes
    ----------
    kind : str
        "top_k" takes the `k` most probable, "threshold" all at or above `threshold`. Places
        that equals contend for stay empty: nothing is chosen for its name.
    k : int
        Symbols on each side.
    threshold : float
        Lowest probability to buy; a short needs at most one minus it. "top_k" keeps to it too.
    long_short : bool
        Also sell the least probable.
    gross : float
        Sum of absolute weights when every place is taken, as a fraction of equity.
    position : float
        Largest absolute weight.
    """

    kind: Literal["top_k", "threshold"] = "threshold"
    k: int = 2
    threshold: float = 0.5
    long_short: bool = False
    gross: float = 1.0
    position: float = 0.05

    def __post_init__(self) -> None:
        if self.k < 1 or not 0.0 < self.threshold < 1.0:
            raise ValueError(
                "`k` must be at least 1 and `threshold` lie strictly between 0 and 1, were "
                f"{self.k} and {self.threshold}."
            )
        if self.gross < 0.0 or self.position < 0.0:
            raise ValueError(
                f"`gross` and `position` must not be negative, were {self.gross} and "
                f"{self.position}."
            )


def target_weights(
    probability: FloatArray, *, policy: Policy, rank_by: FloatArray | None = None
) -> FloatArray:
    """Target weights of one session's symbols.

    Parameters
    ----------
    probability : array of shape (n_symbols,)
        Calibrated probability to beat the benchmark; NaN where there is no forecast.
    policy : Policy
        How to choose.
    rank_by : array of shape (n_symbols,), optional
        What ranks symbols that share a probability, such as the model's margin.

    Returns
    -------
    array of shape (n_symbols,)
        Signed fractions of equity; 0 without a forecast. Equal among the chosen.

    Raises
    ------
    ValueError
        If a probability lies outside [0, 1] or the arrays differ in length.
    """
    order = None if rank_by is None else rank_by[None]
    weights: FloatArray = target_weight_panel(probability[None], policy=policy, rank_by=order)[0]
    return weights


def target_weight_panel(
    probability: FloatArray, *, policy: Policy, rank_by: FloatArray | None = None
) -> FloatArray:
    """Target weights of many sessions.

    Parameters
    ----------
    probability : array of shape (n_obs, n_symbols)
        As in `target_weights`, one row per session.
    policy : Policy
        How to choose.
    rank_by : array of shape (n_obs, n_symbols), optional
        As in `target_weights`.

    Returns
    -------
    array of shape (n_obs, n_symbols)
        One row per session; a session without any forecast holds nothing.

    Raises
    ------
    ValueError
        As `target_weights`.
    """
    order = probability if rank_by is None else rank_by
    if order.shape != probability.shape:
        raise ValueError(
            f"`rank_by` must have shape {probability.shape} as `probability`, had {order.shape}."
        )
    known = np.isfinite(probability)
    if ((probability[known] < 0.0) | (probability[known] > 1.0)).any():
        raise ValueError("every `probability` must lie in [0, 1].")
    buys = known & (probability >= policy.threshold)
    # At one half both sides would want the same symbol: it is no view.
    sells = known & (probability <= 1.0 - policy.threshold) & ~buys & policy.long_short
    places = buys.sum(axis=1) + sells.sum(axis=1)
    if policy.kind == "top_k":
        buys, sells = _first_k(probability, order, buys, sells, policy.k)
        places = np.full(places.size, policy.k * (2 if policy.long_short else 1))
    each = np.minimum(policy.gross / np.maximum(places, 1), policy.position)[:, None]
    weights: FloatArray = np.where(buys, each, np.where(sells, -each, 0.0))
    return weights


def _first_k(
    probability: FloatArray, order: FloatArray, buys: BoolArray, sells: BoolArray, k: int
) -> tuple[BoolArray, BoolArray]:
    """Of the candidates of each session the `k` most and the `k` least probable."""
    order = np.nan_to_num(order)  # one that is not known is like another
    best = np.lexsort((-order, -probability))
    kept = []
    for candidates, ranked in ((buys, best), (sells, best[:, ::-1])):
        asked = np.take_along_axis(candidates, ranked, axis=1)
        place = _last_of_equals(
            asked.cumsum(axis=1),
            np.take_along_axis(probability, ranked, axis=1),
            np.take_along_axis(order, ranked, axis=1),
        )
        chosen = np.zeros_like(candidates)
        np.put_along_axis(chosen, ranked, asked & (place <= k), axis=1)
        kept.append(chosen)
    return kept[0], kept[1]


def _last_of_equals(places: IntArray, *ranked: FloatArray) -> IntArray:
    """The place of the last of those that are ranked equal, for each of them."""
    is_last = np.ones(places.shape, dtype=np.bool_)
    is_last[:, :-1] = np.any([values[:, :-1] != values[:, 1:] for values in ranked], axis=0)
    behind = np.where(is_last, places, np.iinfo(places.dtype).max)[:, ::-1]
    last: IntArray = np.minimum.accumulate(behind, axis=1)[:, ::-1]
    return last


def strategy_name(rules: str, *, filtered: bool | Literal["meta"]) -> str:
    """Return how a strategy is called in signals, gates and proposals.

    Parameters
    ----------
    rules : str
        `SWING` or `REVERSION`.
    filtered : bool or "meta"
        Whether the model's word is asked before a position is begun, or that of a second one
        which learnt from the rules' own entries.
    """
    if filtered == "meta":
        return f"{rules} with meta-labels"
    return f"{rules} with model" if filtered else rules
