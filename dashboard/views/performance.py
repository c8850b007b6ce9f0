"""Where the profit came from, what trading cost, the lots, the cash, and each day's report."""

import polars as pl
import streamlit as st

from dashboard import data, formats, states, tables

_WAYS = {"strategy": "Strategy", "model": "Model", "symbol": "Symbol", "sector": "Sector"}


def _attribution() -> None:
    st.subheader("Where the return came from", anchor=False)
    found = data.accounts("portfolio.attributions")
    if found.is_empty():
        states.empty(
            "Nothing to attribute yet.",
            then="It needs two closes and a fill; figures are made after each close.",
        )
        return
    total = found.filter(way="strategy")["contribution"].sum()
    st.markdown(f"**{formats.percent(total, decimals=2, signed=True)}** since the first close.")
    way = st.segmented_control(
        "By", list(_WAYS), format_func=_WAYS.__getitem__, default="strategy", key="by-way"
    )
    chosen = found.filter(way=way or "strategy").sort("contribution", descending=True)
    rows = [
        (
            formats.plain(row["label"] or "the account's own, or not known"),
            formats.percent(row["contribution"], decimals=2, signed=True),
        )
        for row in chosen.iter_rows(named=True)
    ]
    tables.show([tables.text(_WAYS[way or "strategy"]), tables.figure("Contribution")], rows)
    st.caption(
        f"As of {formats.day(found['session'][0])} · linked over time (Cariño), the parts add up "
        "to the return · source `portfolio.attributions`"
    )


def _shortfall() -> None:
    st.subheader("What trading cost", anchor=False)
    found = data.accounts("portfolio.shortfalls")
    if found.is_empty():
        states.empty(
            "No order had ended at the last close.",
            then="After each close its orders are compared with their proposals.",
        )
        return
    rows = [
        (
            f"[{row['code']}](/proposal?proposal={row['code']})",
            f"{'Buy' if row['side'] == 'buy' else 'Sell'} **{row['symbol']}**",
            *(
                formats.amount(row[name], signed=True)
                for name in ("delay", "execution", "opportunity", "fees")
            ),
            f"{formats.number(row['total_bps'], decimals=0, signed=True)} bps",
        )
        for row in found.iter_rows(named=True)
    ]
    names = ("Delay, USD", "Execution, USD", "Not filled, USD", "Fees, USD", "In all")
    tables.show(
        [tables.text("Proposal"), tables.text("Trade"), *(tables.figure(name) for name in names)],
        rows,
    )
    st.caption(
        f"Orders of {formats.day(found['session'][0])}; plus is a cost. Delay: proposal to "
        "arrival; execution: arrival to fills (Perold). Source `portfolio.shortfalls`"
    )


def _lots() -> None:
    st.subheader("Lots", anchor=False)
    lots = data.accounts("portfolio.lots")
    closed = data.closings()
    if lots.is_empty() and closed.is_empty():
        states.empty(
            "No lot at the last close.",
            then="After each close its fills make or close lots, first in, first out.",
        )
        return
    rows = [
        (
            f"**{row['symbol']}**", formats.day(row["opened"]), formats.plain(row["strategy"]),
            formats.quantity(row["quantity"]), formats.price(row["price"]),
            formats.amount(row["unrealised"], signed=True),
        )
        for row in lots.iter_rows(named=True)
    ]  # fmt: skip
    columns = [
        tables.text("Symbol"), tables.text("Opened"), tables.text("Strategy"),
        tables.figure("Shares"), tables.figure("Paid, USD"), tables.figure("Open gain, USD"),
    ]  # fmt: skip
    tables.show(columns, rows)
    realised = formats.money(closed["realised"].sum(), signed=True)
    parts = formats.counted(closed.height, "lot", "lots or parts of lots")
    st.caption(
        f"Realised {realised} in {parts}, net of fees · first in, first out over the account · "
        "source `portfolio.lots`, `portfolio.closings`"
    )


def _cash() -> None:
    st.subheader("Cash ledger", anchor=False)
    found = data.cash_days()
    if found.is_empty():
        states.empty("No day yet.", then="The next close adds one.")
        return
    rows = [_cash_row(row) for row in found.tail(10).reverse().iter_rows(named=True)]
    names = ("Trades", "Fees", "Dividends", "Other", "Closing, USD", "Broker's, less ours")
    tables.show([tables.text("Session"), *(tables.figure(name) for name in names)], rows)
    st.caption("The newest ten sessions · source `portfolio.cash_days`")


def _cash_row(row: dict[str, float]) -> tuple[str, ...]:
    other = row["interest"] + row["transfers"] + row["other"]
    off = None if row["told"] is None else round(row["told"] - row["closing"], 2)
    look = formats.amount(off, signed=True)
    return (
        formats.day(row["session"]),  # type: ignore[arg-type]  # the one date among the figures
        *(formats.amount(row[name], signed=True) for name in ("trades", "fees", "dividends")),
        formats.amount(other, signed=True),
        formats.amount(row["closing"]),
        f":orange[:material/warning: {look}]" if off else look,
    )


def _reports() -> None:
    st.subheader("End of day", anchor=False)
    found = data.day_reports()
    if found.is_empty():
        states.empty("No report yet.", then="One is made after each close.")
        return
    links = [
        f"[{formats.day(row['session'])}](/day-report?session={row['session']})"
        for row in found.sort("session", descending=True).head(15).iter_rows(named=True)
    ]
    st.markdown(" · ".join(links))
    st.caption("Each is a self-contained page in the lake too, under `reports/end_of_day`.")


def _profits(found: pl.DataFrame) -> None:
    st.subheader("The last session", anchor=False)
    rows = [
        (
            f"**{row['symbol'] or 'account'}**",
            formats.plain(row["strategy"] or "—"),
            formats.amount(round(row["profit"], 2), signed=True),
            formats.amount(round(row["fees"], 2)),
        )
        for row in found.iter_rows(named=True)
    ]
    columns = [
        tables.text("Symbol"), tables.text("Strategy"), tables.figure("Profit, USD"),
        tables.figure("Fees, USD"),
    ]  # fmt: skip
    tables.show(columns, rows)
    gained = formats.money(round(float(found["profit"].sum()), 2), signed=True)
    st.caption(
        f"{gained} on {formats.day(found['session'][0])}, at official closes, net of fees · "
        "source `portfolio.results`"
    )


st.title("Performance", anchor=False)
left, right = st.columns(2, gap="large")
with left:
    _attribution()
with right:
    results = data.accounts("portfolio.results")
    if not results.is_empty():
        _profits(results)
    _reports()
_shortfall()
_lots()
_cash()
