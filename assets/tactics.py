"""Giving a drafted leg the tactic that it is worked by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from config.limits import Limits
from quality.calendar import exchange
from quant.typing import FloatArray
from quant.volume_curve import volume_curve
from trading.canonical import figure
from trading.proposals import Leg
from trading.tactics.tactic import Tactic
from warehouse import Warehouse, minutes

AVOIDED = timedelta(minutes=5)  # after the open and before the close: wide spreads, auctions
_SHORTEST = timedelta(minutes=10)
_SLICES = 6
_SPARE = 3  # orders beyond one a slice, for rests that are priced anew and the final one
CURVE_SESSIONS = 10  # whose volume the next one is expected to follow
_MINUTES_A_SESSION = Decimal(390)
_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Window:
    """When a leg may be worked (market time)."""

    starts_at: datetime
    ends_at: datetime


def window(opens: datetime, closes: datetime, *, valid_until: datetime) -> Window | None:
    """Return the session without its first and last minutes, while the signature is valid.

    The last minutes of the signature are left for the stop that waits for the end of its sale.
    None when less than ten minutes are left of it.
    """
    starts, ends = opens + AVOIDED, min(closes, valid_until) - AVOIDED
    return Window(starts, ends) if ends - starts >= _SHORTEST else None


def with_tactic(
    leg: Leg,
    kind: str,
    *,
    time: Window | None,
    limits: Limits,
    daily_volatility: Decimal,
    curve: Sequence[Decimal] = (),
) -> Leg:
    """Return the leg with its tactic; as it is where none applies.

    A leg that brings its own stop is not sliced: its parts would bring a stop each. It is priced
    anew only until its first fill. By volume without a curve the slices are even.

    Parameters
    ----------
    kind : str
        none, adaptive, twap or vwap.
    time : Window or None
        When it may be worked; None: there is no time for parts.
    daily_volatility : Decimal
        A fraction; that of a minute is taken from it.
    curve : sequence of Decimal
        Share of the volume until the end of each slice, of prior sessions.
    """
    if kind == "none" or time is None or leg.order_type != "limit" or leg.limit_price is None:
        return leg
    exits = leg.stop_loss_price is not None or leg.take_profit_price is not None
    if exits:
        kind = "adaptive"
    elif kind == "vwap" and not curve:
        kind = "twap"
    slices = 1 if kind == "adaptive" else len(curve) or _SLICES
    slices = min(slices, int(leg.quantity), limits.symbol_orders_per_day)
    if kind == "vwap" and slices != len(curve):
        kind = "twap"
    tactic = Tactic(
        kind=kind,
        starts_at=time.starts_at,
        ends_at=time.ends_at,
        slices=max(slices, 1),
        curve=tuple(curve) if kind == "vwap" else (),
        volatility=(daily_volatility / _MINUTES_A_SESSION.sqrt()).quantize(Decimal("0.000001")),
        most_children=min(max(slices, 1) + _SPARE, limits.symbol_orders_per_day),
    )
    return replace(leg, tactic=tactic)


def prior_curve(
    warehouse: Warehouse, symbol: str, sessions: Sequence[date], *, as_of: datetime
) -> tuple[Decimal, ...]:
    """Return the volume curve of a symbol's prior sessions, first and last minutes left out.

    Parameters
    ----------
    sessions : sequence of date
        Prior sessions; those without minutes and early closes are left out.
    as_of : datetime
        Market time; what was learned later is left out.

    Returns
    -------
    tuple of Decimal
        One share a slice, ending at 1; empty where no session has minutes.
    """
    rows = []
    with warehouse.reader() as conn:
        for session in sessions:
            opens, closes = exchange().open(session), exchange().close(session)
            told = minutes.marked(
                conn, [symbol], session, opens=opens, closes=closes, as_of=as_of
            ).filter(pl.col("regular"))
            if told.height and closes - opens == timedelta(hours=6, minutes=30):
                rows.append(_minutes(told))
    if not rows or not np.sum(rows):
        return ()
    shares = [
        figure(float(share)).quantize(_PLACES)
        for share in volume_curve(np.vstack(rows), slices=_SLICES)
    ]
    return (*shares[:-1], Decimal(1))


def _minutes(told: pl.DataFrame) -> FloatArray:
    volumes: FloatArray = np.zeros(int(_MINUTES_A_SESSION))
    volumes[told["minute"].to_numpy()] = told["volume"].to_numpy()
    avoided = int(AVOIDED.total_seconds()) // 60
    return volumes[avoided:-avoided]
