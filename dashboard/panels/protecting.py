"""A stop, a trailing stop, or a stop and a target, for a position that is held."""

from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data, formats
from trading.canonical import Content

_KINDS = {
    "stop": "Stop",
    "stop_limit": "Stop with a limit",
    "trailing_stop": "Trailing stop",
    "oco": "Stop and target",
}
_MEANS = {
    "stop": "Once the price comes to the stop, the position is closed at the market.",
    "stop_limit": "Once the price comes to the stop, the position is closed at the limit or "
    "better; beyond the limit it stays open.",
    "trailing_stop": "The stop follows the best price from now on, and never comes back.",
    "oco": "Whichever the price comes to first closes the position; the other goes away.",
}
_TRAILS = {"trail_percent": "Trail, per cent", "trail_price": "Trail, USD per share"}


def ticket() -> dict[str, Content] | None:
    """What is entered; None while something is missing, or nothing is held."""
    held = {name: one.quantity for name, one in data.positions().items() if one.quantity}
    if not held:
        st.caption("Nothing is held: there is nothing to protect.")
        return None
    left, right = st.columns(2)
    symbol = left.selectbox("Position", list(held), key="protect-symbol")
    kind = right.selectbox(
        "Protected by", list(_KINDS), format_func=_KINDS.__getitem__, key="protect-by"
    )
    shares = abs(held[symbol])
    left.caption(f"{_held(held[symbol])}, {last(symbol) or 'nobody quotes it'}")
    right.caption(_MEANS[kind])
    quantity = left.number_input(
        "Shares", min_value=1, max_value=max(int(shares), 1), value=None, step=1,
        key="protect-quantity", placeholder=f"of {formats.quantity(shares)}",
    )  # fmt: skip
    prices = _prices(kind, left, right)
    reason = st.text_input(
        "Why", key="protect-reason", max_chars=200, placeholder="others sign it by this"
    )
    if quantity is None or prices is None or not reason.strip():
        return None
    return {
        "kind": "protect",
        "symbol": symbol,
        "protection": kind,
        "quantity": str(quantity),
        **prices,
        "reason": reason.strip(),
    }


def last(symbol: str) -> str:
    """``last 195.46``; empty where nobody quotes the symbol."""
    quote = data.quotes().get(symbol)
    return "" if quote is None or quote.last is None else f"last {formats.price(quote.last)}"


def _held(quantity: Decimal) -> str:
    return f"{formats.quantity(abs(quantity))} {'held' if quantity > 0 else 'short'}"


def _prices(kind: str, left: DeltaGenerator, right: DeltaGenerator) -> dict[str, Content] | None:
    """The prices that a kind needs; None while one is missing."""
    if kind == "trailing_stop":
        unit = right.selectbox(
            "Trail in", list(_TRAILS), format_func=_TRAILS.__getitem__, key="protect-unit"
        )
        return _entered({unit: _price(left, _TRAILS[unit], f"protect-{unit}")})
    told = {"stop_price": _price(right, "Stop, USD per share", "protect-stop")}
    if kind == "stop_limit":
        told["limit_price"] = _price(left, "Limit, USD per share", "protect-limit")
    if kind == "oco":
        told["limit_price"] = _price(left, "Target, USD per share", "protect-target")
    return _entered(told)


def _price(column: DeltaGenerator, label: str, key: str) -> float | None:
    return column.number_input(
        label, min_value=0.01, value=None, step=0.01, format="%.2f", key=key, placeholder="needed"
    )


def _entered(told: dict[str, float | None]) -> dict[str, Content] | None:
    given: dict[str, Content] = {n: f"{at:.2f}" for n, at in told.items() if at is not None}
    return given if len(given) == len(told) else None
