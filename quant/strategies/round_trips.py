"""Closed trades out of the single ones: from flat to flat."""

import numpy as np

from quant.backtest import Trades
from quant.typing import FloatArray

_NOTHING = 1e-9  # shares: what is left by rounding


def round_trips(trades: Trades) -> FloatArray:
    """Profit of each closed round trip, net of the costs of its trades.

    Parameters
    ----------
    trades : Trades
        Of `quant.backtest.backtest`, in order of time. A trade that turns a position over ends
        one trip, and what remains begins the next.

    Returns
    -------
    array of shape (n_trips,)
        Quote currency, in the order in which they ended; a position still open is left out, and
        so is one that ended by delisting: nothing was traded then.
    """
    held: dict[int, float] = {}
    paid: dict[int, float] = {}
    profits = []
    told = zip(trades.asset, trades.shares, trades.price, trades.cost, strict=True)
    for asset, shares, price, cost in told:
        before = held.get(asset, 0.0)
        after = before + shares
        closes = before != 0.0 and (abs(after) <= _NOTHING or before * after < 0.0)
        # Of a trade that turns the position over, the part up to flat belongs to the old trip.
        part = abs(before / shares) if closes else 1.0
        paid[asset] = paid.get(asset, 0.0) - part * (shares * price + cost)
        if closes:
            profits.append(paid[asset])
            after = 0.0 if abs(after) <= _NOTHING else after
            paid[asset] = -(1.0 - part) * (shares * price + cost) if after else 0.0
        held[asset] = after
    return np.array(profits, dtype=np.float64)
