"""Daily bars as tables of sessions by symbols, on one adjusted basis."""

from dataclasses import dataclass

import numpy as np

from quant.features import DailyPanel
from quant.typing import BoolArray, FloatArray, Int64Array


@dataclass(frozen=True)
class Bars:
    """Bars of shape (n_sessions, n_symbols); NaN where a symbol has none.

    Attributes
    ----------
    opens, highs, lows, closes : float64 arrays
        Quote currency, adjusted forward for splits and dividends, so that a later action
        changes no earlier value.
    volumes : float64 array
        Shares on the basis of the prices: volume times price is what was traded.
    """

    opens: FloatArray
    highs: FloatArray
    lows: FloatArray
    closes: FloatArray
    volumes: FloatArray

    def __post_init__(self) -> None:
        shapes = {values.shape for values in vars(self).values()}
        if len(shapes) > 1 or self.closes.ndim != 2:
            told = ", ".join(f"{name} {values.shape}" for name, values in vars(self).items())
            raise ValueError(f"bars must share one shape (n_sessions, n_symbols), were {told}.")

    def until(self, n_sessions: int) -> "Bars":
        """The first sessions alone, as they were known then."""
        return Bars(**{name: values[:n_sessions] for name, values in vars(self).items()})


def bars_of(panel: DailyPanel) -> Bars:
    """Lay a panel's bars out by session of its index and symbol.

    Parameters
    ----------
    panel : DailyPanel
        Every session of it must be one of its index.
    """
    shape = (panel.index_sessions.size, len(panel.symbols))
    rows, columns = _places(panel)

    def table(values: FloatArray) -> FloatArray:
        laid = np.full(shape, np.nan)
        laid[rows, columns] = values
        return laid

    return Bars(
        opens=table(panel.open * panel.return_factor),
        highs=table(panel.high * panel.return_factor),
        lows=table(panel.low * panel.return_factor),
        closes=table(panel.close * panel.return_factor),
        volumes=table(panel.volume / panel.return_factor),
    )


def members_of(panel: DailyPanel) -> BoolArray | None:
    """Lay out where each symbol belonged to the universe, as `bars_of` lays out its bars.

    Returns
    -------
    bool array of shape (n_sessions, n_symbols), or None
        False where a symbol has no bar; None where nothing is known of memberships.
    """
    if panel.member is None:
        return None
    rows, columns = _places(panel)
    table = np.zeros((panel.index_sessions.size, len(panel.symbols)), dtype=np.bool_)
    table[rows, columns] = panel.member
    return table


def _places(panel: DailyPanel) -> tuple[Int64Array, Int64Array]:
    """Row and column of each of the panel's rows in a table of its index's sessions by symbols."""
    rows = np.searchsorted(panel.index_sessions, panel.sessions).astype(np.int64)
    columns = np.repeat(np.arange(len(panel.symbols)), np.diff(panel.offsets))
    return rows, columns.astype(np.int64)
