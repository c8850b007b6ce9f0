"""The account in three figures and its curve so far."""

import streamlit as st

from dashboard import data, figures, formats
from ledger.pages import Desk


def show(desk: Desk) -> None:
    """Equity, change since the last close, cash; the curve once there are two closes."""
    st.subheader("Account", anchor=False)
    account = desk.account
    if account is None:
        st.markdown(":gray[No account yet. It is read from the broker once that has started.]")
        return
    change = desk.day_gain
    left, right = st.columns(2)
    left.metric(
        f"Equity, {account.currency}",
        formats.amount(account.equity),
        delta=None if change is None else f"{formats.amount(change, signed=True)} since the close",
        delta_color=formats.gain_colour(change),
        delta_arrow="off",
    )
    right.metric(f"Cash, {account.currency}", formats.amount(account.cash))
    points = data.equity(account.environment, account.account_id)
    if len(points) >= 2:
        figures.show(
            figures.equity(
                [p.session for p in points],
                [float(p.equity) for p in points],
                start=float(points[0].equity),
                height=200,
            ),
            key="today-equity",
            alt=f"Equity by session, last {formats.money(points[-1].equity)}",
            as_of=points[-1].session,
            source="`desk.equity_points`",
        )
    else:
        st.caption(
            f"As of {formats.moment(account.as_of)} · source: the broker's account. "
            "The curve begins with the second close."
        )
