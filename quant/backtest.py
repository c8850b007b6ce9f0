"""What target weights would have earned: trades at the next open, every cost, no hindsight.

A weight decided after the close of session t becomes a number of shares at that close's price
and equity, and is traded at the open of t+1. Rows are sessions, columns are assets.
"""

import math
from dataclasses import dataclass

import numpy as np

from quant.jit import kernel
from quant.typing import BoolArray, FloatArray, Int64Array

_SESSIONS_PER_YEAR = 252.0


@dataclass(frozen=True)
class Costs:
    """What trading and holding costs.

    Attributes
    ----------
    commission_per_share : float
        In quote currency.
    half_spread_bps : float
        Paid on every trade, in basis points of the price.
    impact : float
        Price moves by ``impact * share**2``, where share is that of the session's volume
        (Zipline's volume-share model).
    participation : float
        Largest share of the session's volume a trade may take; the rest is not traded.
    borrow_rate : float
        Per year, on the value of shorts at each close.
    cash_rate : float
        Per year, earned on settled cash at each close, and paid where it is negative.
    delisting_loss : float
        Share of its last close lost by a position whose prices end.
    settlement : int
        Sessions until the cash of a trade is delivered: 1 in the United States since 28 May 2024
        (SEC release 34-96930), 2 since 5 September 2017, 3 before. Until then it may be traded
        with; interest goes to whom it has not left.
    """

    commission_per_share: float = 0.0
    half_spread_bps: float = 2.0
    impact: float = 0.1
    participation: float = 0.025
    borrow_rate: float = 0.005
    cash_rate: float = 0.0
    delisting_loss: float = 0.0
    settlement: int = 1


@dataclass(frozen=True)
class Trades:
    """One entry per trade; `shares` is signed, `cost` is commission, spread and impact."""

    session: Int64Array
    asset: Int64Array
    shares: FloatArray
    price: FloatArray
    cost: FloatArray


@dataclass(frozen=True)
class Backtest:
    """Arrays have shape (n_obs,), as of each close, but for `shares` (n_obs, n_assets).

    Attributes
    ----------
    equity, cash, settled : float64
        In quote currency; `settled` is the cash that trades have delivered.
    returns : float64
        Net simple returns of equity; 0 in the first session, which trades nothing.
    turnover : float64
        Value traded over equity at the previous close.
    gross, net : float64
        Exposures over equity.
    shares : float64
        Positions.
    trades : Trades
        In order of time.
    borrow_paid, interest_earned, delisting_losses : float
        Sums, in quote currency.
    """

    equity: FloatArray
    cash: FloatArray
    settled: FloatArray
    returns: FloatArray
    turnover: FloatArray
    gross: FloatArray
    net: FloatArray
    shares: FloatArray
    trades: Trades
    borrow_paid: float
    interest_earned: float
    delisting_losses: float


def backtest(
    opens: FloatArray,
    closes: FloatArray,
    volumes: FloatArray,
    weights: FloatArray,
    *,
    costs: Costs | None = None,
    capital: float = 100_000.0,
) -> Backtest:
    """Trade towards target weights and account for everything.

    Parameters
    ----------
    opens, closes : arrays of shape (n_obs, n_assets)
        Prices on one adjusted basis; NaN in a session without trading. An asset whose closes
        end before the last session is delisted after its last one.
    volumes : array of shape (n_obs, n_assets)
        Shares, on the same basis as the prices.
    weights : array of shape (n_obs, n_assets)
        Target weights decided after the close of each session, as signed fractions of equity;
        NaN is "no decision" and keeps the position. Those of the last session are not traded.
    costs : Costs, optional
        What trading costs; the defaults if not given.
    capital : float
        Cash at the start, positive.

    Returns
    -------
    Backtest
        Cash may turn negative by costs and gaps: it is leverage, and `gross` shows it. An
        account whose equity is gone trades no more.

    Raises
    ------
    ValueError
        If shapes differ, `capital` is not positive, a price is not positive or a cost is
        negative.
    """
    costs = costs or Costs()
    _require_inputs(opens, closes, volumes, weights, costs, capital)
    rates = np.array(
        [
            costs.commission_per_share,
            costs.half_spread_bps / 10_000.0,
            costs.impact,
            costs.participation,
            costs.borrow_rate / _SESSIONS_PER_YEAR,
            costs.cash_rate / _SESSIONS_PER_YEAR,
            costs.delisting_loss,
            costs.settlement,
        ]
    )
    book, shares, session, asset, log, sums = _run(
        _contiguous(opens),
        _contiguous(closes),
        _contiguous(volumes),
        _contiguous(weights),
        rates,
        float(capital),
    )
    equity = book[:, 0]
    before = np.concatenate(([capital], equity[:-1]))
    safe = np.where(before > 0.0, before, np.nan)
    alive = np.where(equity > 0.0, equity, np.nan)
    return Backtest(
        equity=equity,
        cash=book[:, 1],
        settled=book[:, 5],
        returns=np.nan_to_num(equity / safe - 1.0),
        turnover=np.nan_to_num(book[:, 2] / safe),
        gross=np.nan_to_num(book[:, 3] / alive),
        net=np.nan_to_num(book[:, 4] / alive),
        shares=shares,
        trades=Trades(session, asset, log[:, 0], log[:, 1], log[:, 2]),
        borrow_paid=float(sums[0]),
        interest_earned=float(sums[1]),
        delisting_losses=float(sums[2]),
    )


def equal_weight_hold(
    opens: FloatArray, closes: FloatArray, members: BoolArray | None = None
) -> FloatArray:
    """Returns of the universe's equal-weight buy-and-hold, without costs.

    Parameters
    ----------
    opens, closes : arrays of shape (n_obs, n_assets)
        As in `backtest`.
    members : bool array of shape (n_obs, n_assets), optional
        Where an asset belonged to the universe; by default wherever it has a price.

    Returns
    -------
    array of shape (n_obs,)
        Simple returns per session: equal money goes into every asset at the open of its first
        session as a member after the start, the assets that come later are bought from an equal
        share of all others, and an asset that leaves keeps its last value.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    inside = np.ones(closes.shape, dtype=np.bool_) if members is None else members
    if not opens.shape == closes.shape == inside.shape:
        raise ValueError(
            f"`opens` {opens.shape}, `closes` {closes.shape} and `members` {inside.shape} must "
            "agree."
        )
    marks = _last_known(closes)
    value = np.zeros(closes.shape[1])
    earned = np.zeros(closes.shape[0])
    for now in range(1, closes.shape[0]):
        before = float(value.sum())
        priced = np.isfinite(opens[now]) & np.isfinite(closes[now])
        joining = priced & inside[now] & (value == 0.0)
        old = value > 0.0
        moving = old & inside[now]
        if joining.any():
            whole = before if old.any() else 1.0
            share = whole / (int(old.sum()) + int(joining.sum()))
            value[old] *= share * int(old.sum()) / whole
        moved = value.copy()
        moved[moving] *= marks[now, moving] / marks[now - 1, moving]
        if joining.any():
            moved[joining] = share * closes[now, joining] / opens[now, joining]
        start = before if old.any() else 1.0
        earned[now] = float(moved.sum()) / start - 1.0 if moved.any() else 0.0
        value = moved
    return earned


def _contiguous(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(values, dtype=np.float64)


def _last_known(closes: FloatArray) -> FloatArray:
    """Closes with gaps filled by the last one before; NaN until the first."""
    known = np.where(np.isfinite(closes), np.arange(closes.shape[0])[:, None], 0)
    np.maximum.accumulate(known, axis=0, out=known)
    filled: FloatArray = np.take_along_axis(closes, known, axis=0)
    return filled


@kernel
def _run(
    opens: FloatArray,
    closes: FloatArray,
    volumes: FloatArray,
    weights: FloatArray,
    rates: FloatArray,
    capital: float,
) -> tuple[FloatArray, FloatArray, Int64Array, Int64Array, FloatArray, FloatArray]:
    """Book (equity, cash, traded value, gross, net, settled), positions, trades, and sums paid.

    Each row is gone through twice, to trade and to close; what is in between stays in the cache.
    """
    n_obs, n_assets = closes.shape
    book, positions, sums = np.zeros((n_obs, 6)), np.empty((n_obs, n_assets)), np.zeros(3)
    # Room for a trade of every asset in every session; memory that is not written costs nothing.
    session = np.empty(n_obs * n_assets, dtype=np.int64)
    asset, log = np.empty_like(session), np.empty((session.size, 3))
    held, marks = np.zeros(n_assets), np.zeros(n_assets)
    leaving = _after_last(closes)
    someone_leaves = np.zeros(n_obs + 1, dtype=np.bool_)
    someone_leaves[leaving] = True
    cash, equity, n_trades = capital, capital, 0
    settlement, delivered = int(rates[7]), np.zeros(n_obs + int(rates[7]))
    settled = capital
    for now in range(n_obs):
        before = cash
        if someone_leaves[now]:
            cash = _delist(held, marks, leaving == now, cash, rates, sums)
        if now > 0 and equity > 0.0:
            first = n_trades
            n_trades = _trade(
                held, marks, weights[now - 1], opens[now], volumes[now], equity, rates,
                asset, log, first,
            )  # fmt: skip
            session[first:n_trades] = now
            for k in range(first, n_trades):
                cash -= log[k, 0] * log[k, 1] + log[k, 2]
                book[now, 2] += abs(log[k, 0]) * log[k, 1]
        delivered[now + settlement] = cash - before
        settled += delivered[now]
        earned, book[now, 3], book[now, 4] = _close(held, marks, closes[now], settled, rates, sums)
        cash, settled = cash + earned, settled + earned
        equity = cash + book[now, 4]
        book[now, 0], book[now, 1], book[now, 5] = equity, cash, settled
        positions[now] = held
    kept = session[:n_trades].copy(), asset[:n_trades].copy(), log[:n_trades].copy()
    return book, positions, kept[0], kept[1], kept[2], sums


@kernel
def _after_last(closes: FloatArray) -> Int64Array:
    """Session after each asset's last close: from there on it is delisted."""
    after = np.zeros(closes.shape[1], dtype=np.int64)
    unknown = after.size
    for now in range(closes.shape[0] - 1, -1, -1):
        for asset in range(after.size):
            if after[asset] == 0 and math.isfinite(closes[now, asset]):
                after[asset] = now + 1
                unknown -= 1
        if unknown == 0:
            break
    return after


@kernel
def _delist(
    held: FloatArray,
    marks: FloatArray,
    leaving: BoolArray,
    cash: float,
    rates: FloatArray,
    sums: FloatArray,
) -> float:
    """Cash after positions were closed at their last mark, less the loss."""
    for asset in np.flatnonzero(leaving):
        value = held[asset] * marks[asset]
        cash += value - abs(value) * rates[6]
        sums[2] += abs(value) * rates[6]
        held[asset], marks[asset] = 0.0, 0.0  # without a mark it is never traded again
    return cash


@kernel
def _trade(
    held: FloatArray,
    marks: FloatArray,
    weights: FloatArray,
    opens: FloatArray,
    volumes: FloatArray,
    equity: float,
    rates: FloatArray,
    asset: Int64Array,
    log: FloatArray,
    n_trades: int,
) -> int:
    """Trade towards weights, sized by the marks and equity known when they were decided.

    Writes the assets, their shares, prices and costs from `n_trades` on; returns where they end.
    """
    for i in range(held.size):
        if weights[i] == 0.0 and held[i] == 0.0:
            continue  # most assets in most sessions
        if not marks[i] > 0.0 or math.isnan(weights[i]):
            continue
        shares = weights[i] * equity / marks[i] - held[i]
        price, volume = opens[i], volumes[i]
        if shares == 0.0 or not (price > 0.0 and volume > 0.0):
            continue
        most = rates[3] * volume
        shares = min(max(shares, -most), most)
        if shares == 0.0:
            continue
        share = abs(shares) / volume
        asset[n_trades] = i
        log[n_trades, 0], log[n_trades, 1] = shares, price
        log[n_trades, 2] = abs(shares) * (rates[0] + price * (rates[1] + rates[2] * share * share))
        held[i] += shares
        n_trades += 1
    return n_trades


@kernel
def _close(
    held: FloatArray,
    marks: FloatArray,
    closes: FloatArray,
    settled: float,
    rates: FloatArray,
    sums: FloatArray,
) -> tuple[float, float, float]:
    """Interest on settled cash less borrow cost, and the gross and net value held.

    A session without a close keeps the mark before it.
    """
    gross, net = 0.0, 0.0
    for i in range(held.size):
        marks[i] = closes[i] if closes[i] > 0.0 else marks[i]
        value = held[i] * marks[i]
        net += value
        gross += abs(value)
    borrow, interest = 0.5 * (gross - net) * rates[4], settled * rates[5]
    sums[0] += borrow
    sums[1] += interest
    return interest - borrow, gross, net


def _require_inputs(
    opens: FloatArray,
    closes: FloatArray,
    volumes: FloatArray,
    weights: FloatArray,
    costs: Costs,
    capital: float,
) -> None:
    shapes = {a.shape for a in (opens, closes, volumes, weights)}
    if len(shapes) > 1 or opens.ndim != 2 or opens.shape[0] < 2:
        raise ValueError(
            "prices, volumes and weights must share one shape (n_obs >= 2, n_assets), were "
            f"{opens.shape}, {closes.shape}, {volumes.shape} and {weights.shape}."
        )
    if not capital > 0.0:
        raise ValueError(f"`capital` must be positive, was {capital}.")
    for name, prices in (("opens", opens), ("closes", closes)):
        if _any_unfit(_contiguous(prices).ravel()):
            raise ValueError(f"`{name}` must be positive where they are known. Check the data.")
    for name, value in vars(costs).items():
        if not value >= 0.0 and name != "cash_rate":
            raise ValueError(f"`{name}` must not be negative, was {value}.")


@kernel
def _any_unfit(prices: FloatArray) -> bool:
    """Whether some price is known and not a positive number."""
    unfit = 0
    for i in range(prices.size):
        unfit += (prices[i] <= 0.0) | (prices[i] == math.inf)
    return unfit > 0
