"""The account: equity, holdings, cash, exposure and fills."""

from decimal import Decimal

import numpy as np
import streamlit as st

from dashboard import data, figures, formats, states, tables
from dashboard.cards import words
from ledger import market
from ledger.market import Account, EquityPoint, Position
from ledger.pages import Fill
from quant.performance import drawdowns


@st.fragment(run_every=3)
def _figures() -> None:
    desk, held = data.desk(), data.positions()
    account, change = desk.account, desk.day_gain
    if account is None:
        return
    gross = sum((abs(p.market_value or Decimal(0)) for p in held.values()), Decimal(0))
    net = sum((p.market_value or Decimal(0) for p in held.values()), Decimal(0))
    open_gain = sum((p.unrealised or Decimal(0) for p in held.values()), Decimal(0))
    old = states.is_stale(account.received_at, now=data.now())
    cells = st.container(key=f"{'stale' if old else 'fresh'}-figures").columns(5)
    cells[0].metric(
        f"Equity, {account.currency}",
        formats.amount(account.equity),
        delta=None if change is None else f"{formats.amount(change, signed=True)} since the close",
        delta_color=formats.gain_colour(change),
        delta_arrow="off",
        help="Cash plus the market value of all holdings.",
    )
    cells[1].metric(f"Cash, {account.currency}", formats.amount(account.cash))
    cells[2].metric(
        "Gross exposure", formats.percent(_share(gross, account)), help="All holdings / equity"
    )
    cells[3].metric(
        "Net exposure", formats.percent(_share(net, account)), help="Long less short / equity"
    )
    cells[4].metric(f"Open gain, {account.currency}", formats.amount(open_gain, signed=True))
    aged = states.stale_sentence(account.as_of, account.received_at, now=data.now())
    st.caption(
        (
            f":orange[:material/cloud_off: {aged}]"
            if old
            else f"As of {formats.moment(account.as_of)}"
        )
        + f" · source: the broker's account {account.account_id}, {account.environment}"
    )


def _share(value: Decimal, account: Account) -> float | None:
    return float(value / account.equity) if account.equity else None


def _holding(held: Position, equity: Decimal | None) -> tuple[str, ...]:
    share = float((held.market_value or Decimal(0)) / equity) if equity else None
    gain = held.unrealised
    return (
        f"**{held.symbol}**",
        formats.quantity(held.quantity),
        formats.price(held.average_price),
        formats.price(held.market_price),
        formats.amount(held.market_value),
        formats.percent(share),
        f":{formats.gain_colour(gain)}[{formats.amount(gain, signed=True)}]",
    )


@st.fragment(run_every=3)
def _holdings() -> None:
    st.subheader("Holdings", anchor=False)
    held = sorted(data.positions().values(), key=lambda p: -abs(p.market_value or Decimal(0)))
    if not held:
        states.empty("No holdings.", then="A filled order appears here within seconds.")
        return
    account = data.desk().account
    tables.show(
        [
            tables.text("Symbol"),
            tables.figure("Shares"),
            tables.figure("Average, USD"),
            tables.figure("Price, USD"),
            tables.figure("Value, USD"),
            tables.figure("Share of equity"),
            tables.figure("Open gain, USD"),
        ],
        [_holding(p, account.equity if account else None) for p in held[:50]],
    )
    st.caption(f"As of {formats.moment(held[0].as_of)} · source `desk.positions`")


def _fill(fill: Fill) -> tuple[str, ...]:
    moved = float(fill.price / fill.reference_price) - 1.0
    cost = moved if fill.side == "buy" else -moved
    return (
        formats.moment(fill.market_at),
        f"{words.SIDES[fill.side]} **{fill.symbol}**",
        formats.quantity(fill.quantity),
        formats.price(fill.price),
        formats.basis_points(cost),
        f"[{fill.code}](/proposal?proposal={fill.code})",
    )


@st.fragment(run_every=5)
def _fills() -> None:
    st.subheader("Fills", anchor=False)
    found = data.fills()
    if not found:
        states.empty("No fill yet.", then="Sign a proposal; it fills when the market trades there.")
        return
    tables.show(
        [
            tables.text("Time, New York"),
            tables.text("Trade"),
            tables.figure("Shares"),
            tables.figure("Price, USD"),
            tables.figure("Slippage"),
            tables.text("Proposal"),
        ],
        [_fill(fill) for fill in found[:30]],
    )
    st.caption("Slippage against the proposal's reference price; plus is a cost. `desk.fills`")


def _curves(points: list[EquityPoint]) -> None:
    sessions = [p.session for p in points]
    values = [float(p.equity) for p in points]
    # What people took out is no loss.
    depths = [0.0, *drawdowns(np.array(market.returns(points))).tolist()]
    st.subheader("Equity", anchor=False)
    figures.show(
        figures.equity(sessions, values, start=values[0]),
        key="portfolio-equity",
        alt=f"Equity in USD by session, from {formats.money(values[0])} to "
        f"{formats.money(values[-1])}",
        as_of=sessions[-1],
        source="`desk.equity_points`",
    )
    st.subheader("Drawdown", anchor=False)
    figures.show(
        figures.drawdown(sessions, depths),
        key="portfolio-drawdown",
        alt=f"Drawdown by session, at most {formats.percent(max(depths))}",
        as_of=sessions[-1],
        source="`desk.equity_points`",
    )


st.title("Portfolio", anchor=False)
account_now = data.desk().account
if account_now is None:
    states.empty(
        "No account yet.",
        why="The broker has not answered since this desk was made.",
        then="It is read every few seconds once the venue runs; the header shows when it does.",
    )
    st.stop()
_figures()
left, right = st.columns([3, 2], gap="large")
with left:
    _holdings()
    _fills()
with right:
    known = data.equity(account_now.environment, account_now.account_id)
    closes = [point for point in known if point.equity > 0]
    if len(closes) >= 2:
        _curves(closes)
    else:
        st.subheader("Equity", anchor=False)
        states.empty("No curve yet.", why="It needs two closes.", then="The next close adds one.")
