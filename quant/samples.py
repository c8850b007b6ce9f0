"""From bars and features to the rows a model learns from."""

import numpy as np

from quant.features import DailyPanel
from quant.labels import average_uniqueness, forward_excess
from quant.models.dataset import Dataset
from quant.typing import Float32Array, Float64Array, FloatArray, Int32Array

# The feature whose value is the volatility a label is divided by: per year, as a fraction.
VOLATILITY_FEATURE = "volatility_63"
SESSIONS_PER_YEAR = 252


def samples(
    panel: DailyPanel,
    features: Float32Array,
    names: tuple[str, ...],
    index_open: Float64Array,
    *,
    horizon: int,
    minimum_history: int,
    time_decay: float = 1.0,
) -> Dataset:
    """Rows of members whose features are known, with the excess return that followed them.

    The decision falls after the close of a row's session; the label runs from the next open to
    the open `horizon` sessions later, in excess of the index, divided by the volatility known
    at the decision. Rows whose label has not matured stay, without a label.

    Parameters
    ----------
    panel : DailyPanel
        Bars, with the sessions of the index as the calendar. Where it knows memberships, sessions
        before a symbol joined or after it left teach nothing: who would join was not known.
    features : array of shape (n_rows, n_features)
        One row for each row of the panel.
    names : tuple of str
        Names of the columns; `VOLATILITY_FEATURE` must be among them.
    index_open : array of shape (n_index,)
        Opens of the index, for the sessions of ``panel.index_sessions``.
    horizon : int
        Sessions from entry to exit.
    minimum_history : int
        Sessions a symbol must have before a row of it counts.
    time_decay : float
        Weight that the oldest rows of a training window tend to; 1 forgets nothing.

    Returns
    -------
    Dataset
        Session ordinals count the sessions of the index from 0.

    Raises
    ------
    ValueError
        If a bar falls on a session without an index bar.
    """
    ordinals = session_ordinals(panel)
    daily = volatility_daily(features, names)
    adjusted = panel.open * panel.return_factor
    labels = forward_excess(
        adjusted, index_open, panel.offsets, ordinals, horizon=horizon, volatility=daily
    )
    next_day = forward_excess(adjusted, index_open, panel.offsets, ordinals, horizon=1)
    rows = _usable(panel, labels.scale, minimum_history)
    weights = average_uniqueness(labels.start_session, labels.end_session, panel.offsets)
    symbols = np.repeat(np.arange(len(panel.symbols)), np.diff(panel.offsets))
    return Dataset(
        features=features[rows],
        names=names,
        sessions=ordinals[rows],
        symbols=symbols[rows].astype(np.int32),
        labels=labels.value[rows],
        weights=weights[rows],
        label_start=labels.start_session[rows],
        label_end=labels.end_session[rows],
        scale=labels.scale[rows],
        daily_excess=next_day.excess[rows],
        time_decay=time_decay,
    )


def volatility_daily(features: FloatArray, names: tuple[str, ...]) -> Float64Array:
    """Daily volatility of each row as a fraction, read from its annual feature."""
    if VOLATILITY_FEATURE not in names:
        raise ValueError(
            f"`names` must contain {VOLATILITY_FEATURE!r}, which labels are divided by; "
            f"it holds {len(names)} other features."
        )
    annual = features[:, names.index(VOLATILITY_FEATURE)].astype(np.float64)
    daily: Float64Array = annual / np.sqrt(SESSIONS_PER_YEAR)
    return daily


def session_ordinals(panel: DailyPanel) -> Int32Array:
    """Place of each row's session among the sessions of the index.

    Raises
    ------
    ValueError
        If a bar falls on a session without an index bar.
    """
    places = np.searchsorted(panel.index_sessions, panel.sessions)
    inside = np.minimum(places, panel.index_sessions.size - 1)
    wrong = panel.index_sessions[inside] != panel.sessions
    if bool(wrong.any()):
        day = np.datetime64(int(panel.sessions[int(np.flatnonzero(wrong)[0])]), "D")
        raise ValueError(
            f"every session needs a bar of the index: {int(wrong.sum())} rows have none, the first "
            f"on {day}. Load the index for those sessions."
        )
    return inside.astype(np.int32)


def _usable(
    panel: DailyPanel, scale: FloatArray, minimum_history: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lengths = np.diff(panel.offsets)
    seen = np.arange(panel.n_rows) - np.repeat(panel.offsets[:-1], lengths)
    usable = (seen + 1 >= minimum_history) & np.isfinite(scale)
    if panel.member is not None:
        usable &= panel.member
    return np.flatnonzero(usable).astype(np.int64)
