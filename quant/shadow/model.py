"""One fill model for every proposal, signed or not: so that only the decision differs.

A case is one leg decided after the close of a session. It enters at the next session's open, if
its limit allows, and leaves at the open `horizon` sessions later, or at its stop before that. It
pays half the spread and the impact of its share of the volume, both ways. Cases share the capital
of the account: where all of them together want more, each is cut by the same factor, so that two
equal cases earn the same and no verdict takes another's place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from quant.backtest import Costs
from quant.typing import FloatArray
from quant.validate import require_positive_int


class Status(StrEnum):
    """How far a case has come."""

    WAITING = "waiting"  # the session of its entry is not there yet
    UNFILLED = "unfilled"  # the next session did not trade within its limit
    HELD = "held"  # entered; valued at the last close known
    CLOSED = "closed"


@dataclass(frozen=True)
class Market:
    """Prices and volumes on one basis, forward adjusted; shape (n_obs, n_assets).

    NaN is a session without trading. A row must hold nothing that was learned later.
    """

    opens: FloatArray
    lows: FloatArray
    highs: FloatArray
    closes: FloatArray
    volumes: FloatArray

    def __post_init__(self) -> None:
        shapes = {np.shape(array) for array in vars(self).values()}
        if len(shapes) != 1 or self.opens.ndim != 2:
            raise ValueError(
                f"prices and volumes must share one shape (n_obs, n_assets): {shapes}."
            )


@dataclass(frozen=True)
class Case:
    """One leg; quantity and prices on the basis of the market's arrays.

    Attributes
    ----------
    decided : int
        Row of the session after whose close it was decided.
    asset : int
        Column.
    sign : int
        1 for a purchase, -1 for a sale; one that reduces a position counts what the shares
        did after they would have been sold.
    limit : float
        Worst price of the entry; NaN for none.
    stop : float
        Price at which it is left; NaN for none.
    horizon : int
        Sessions from the entry's open to the exit's.
    capital : float
        Equity of the account when it was decided, in quote currency.
    """

    decided: int
    asset: int
    sign: int
    quantity: float
    limit: float
    stop: float
    horizon: int
    capital: float


@dataclass(frozen=True)
class Course:
    """What became of a case; prices include half the spread and the impact.

    Attributes
    ----------
    quantity : float
        Shares entered, after the limits of volume and capital; 0 unless it was entered.
    entry, exit : float
        Prices paid and received; NaN while there is none.
    entered, left : int
        Rows; -1 while there is none.
    profit : float
        Net of costs, in quote currency; to the last close while it is held.
    notional : float
        Value at the entry.
    """

    status: Status
    quantity: float = 0.0
    entry: float = np.nan
    exit: float = np.nan
    entered: int = -1
    left: int = -1
    profit: float = 0.0
    notional: float = 0.0


def simulate(
    cases: Sequence[Case], market: Market, *, costs: Costs | None = None, gross: float = 1.0
) -> list[Course]:
    """Follow every case through the market.

    Parameters
    ----------
    cases : sequence of Case
        In any order; the answer has theirs.
    market : Market
        Rows to the last session known: a later row changes no course that was closed before it.
    costs : Costs, optional
        Spread, impact, participation and commission; the backtest's defaults if not given.
    gross : float
        Value all cases may have together, as a fraction of the capital.

    Returns
    -------
    list of Course
        One per case.

    Raises
    ------
    ValueError
        If a case has no shares, no sign, no capital or no horizon, or names no row or column.
    """
    rates = costs or Costs()
    for case in cases:
        _require_case(case, market)
    courses = [Course(Status.WAITING) for _ in cases]
    for row in sorted({case.decided + 1 for case in cases}):
        if row >= market.opens.shape[0]:
            continue
        entering = [n for n, case in enumerate(cases) if case.decided + 1 == row]
        wanted = {n: _wanted(cases[n], market, rates) for n in entering}
        factor = _room(cases, courses, wanted, market, row, gross)
        for n in entering:
            courses[n] = _course(cases[n], wanted[n] * factor, market, rates)
    return courses


def _wanted(case: Case, market: Market, rates: Costs) -> float:
    """Shares that limit and volume allow at the open after the decision."""
    row = case.decided + 1
    price, volume = market.opens[row, case.asset], market.volumes[row, case.asset]
    if not (price > 0.0 and volume > 0.0):
        return 0.0
    quantity = min(case.quantity, rates.participation * volume)
    paid = price + case.sign * _worse(price, quantity / volume, rates)
    beyond = np.isfinite(case.limit) and case.sign * (paid - case.limit) > 0.0
    return 0.0 if beyond else float(quantity)


def _room(
    cases: Sequence[Case],
    courses: Sequence[Course],
    wanted: dict[int, float],
    market: Market,
    row: int,
    gross: float,
) -> float:
    """The factor by which every entry of a session is cut, at most 1."""
    asked = sum(q * market.opens[row, cases[n].asset] for n, q in wanted.items() if q > 0.0)
    if asked <= 0.0:
        return 1.0
    held = sum(
        course.notional
        for course in courses
        if course.entered >= 0 and (course.left < 0 or course.left >= row)
    )
    capital = min(cases[n].capital for n, q in wanted.items() if q > 0.0)
    return float(min(1.0, max(gross * capital - held, 0.0) / asked))


def _course(case: Case, quantity: float, market: Market, rates: Costs) -> Course:
    row = case.decided + 1
    if quantity <= 0.0:
        return Course(Status.UNFILLED)
    price, volume = market.opens[row, case.asset], market.volumes[row, case.asset]
    entry = price + case.sign * _worse(price, quantity / volume, rates)
    left, base = _exit(case, market)
    ended = left >= 0
    value = base if ended else _last_known(market.closes[row:, case.asset], otherwise=price)
    share = quantity / volume  # of the entry's volume: what a day trades changes slowly
    out = value - case.sign * _worse(value, share, rates) if ended else value
    fees = rates.commission_per_share * quantity * (2 if ended else 1)
    return Course(
        status=Status.CLOSED if ended else Status.HELD,
        quantity=float(quantity),
        entry=float(entry),
        exit=float(out) if ended else np.nan,
        entered=row,
        left=left,
        profit=float(case.sign * quantity * (out - entry) - fees),
        notional=float(quantity * entry),
    )


def _exit(case: Case, market: Market) -> tuple[int, float]:
    """The row and price before costs at which a case leaves; -1 while it does not.

    The stop works from the session of the entry on. A session that opens beyond it leaves at the
    open. Where stop and horizon fall on one session, the open comes first.
    """
    first, asset = case.decided + 1, case.asset
    for row in range(first, market.opens.shape[0]):
        opened = market.opens[row, asset]
        if not opened > 0.0:
            continue
        if row >= first + case.horizon:
            return row, float(opened)
        if row > first and case.sign * (case.stop - opened) >= 0.0:
            return row, float(opened)
        worst = market.lows[row, asset] if case.sign > 0 else market.highs[row, asset]
        if case.sign * (case.stop - worst) >= 0.0:
            return row, case.stop
    return -1, np.nan


def _worse(price: float, share: float, rates: Costs) -> float:
    """How much worse than the quote a trade is, in quote currency per share."""
    return price * (rates.half_spread_bps / 10_000.0 + rates.impact * share * share)


def _last_known(closes: FloatArray, *, otherwise: float) -> float:
    known = closes[np.isfinite(closes)]
    return float(known[-1]) if known.size else otherwise


def _require_case(case: Case, market: Market) -> None:
    n_obs, n_assets = market.opens.shape
    require_positive_int(case.horizon, name="horizon")
    if case.sign not in {1, -1} or not case.quantity > 0.0 or not case.capital > 0.0:
        raise ValueError(f"a case needs a sign, shares and capital, was {case}.")
    if not (0 <= case.decided < n_obs and 0 <= case.asset < n_assets):
        raise ValueError(
            f"a case names row {case.decided} and column {case.asset} of a market of {n_obs} "
            f"sessions and {n_assets} assets."
        )
