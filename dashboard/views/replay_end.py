"""The end of the replay: the result, and what next."""

import streamlit as st

from dashboard import data, figures, formats, navigation, states

st.title("End of the replay", anchor=False)
desk = data.desk()
if desk.clock is None or desk.account is None or desk.clock.state != "ended":
    states.empty(
        "The replay has not ended.",
        then="When its last session has closed, the result stands here.",
    )
    st.page_link(navigation.path("today"), label="To Today", icon=":material/today:")
    st.stop()

account = desk.account
points = data.equity(account.environment, account.account_id)
start = points[0].equity if points else account.equity
orders = data.orders(limit=2_000)
filled = [order for order in orders if order.state == "filled"]
gain = account.equity - start
cells = st.columns(4)
cells[0].metric(f"Equity, {account.currency}", formats.amount(account.equity))
cells[1].metric(
    f"Since the start, {account.currency}",
    formats.amount(gain, signed=True),
    delta=formats.percent(float(gain / start) if start else None, signed=True),
    delta_color=formats.gain_colour(gain),
    delta_arrow="off",
)
cells[2].metric("Sessions", formats.count(len(points)))
cells[3].metric("Orders filled", formats.count(len(filled)))
if len(points) >= 2:
    figures.show(
        figures.equity(
            [p.session for p in points], [float(p.equity) for p in points], start=float(start)
        ),
        key="end-equity",
        alt=f"Equity by session to {formats.money(account.equity)}",
        as_of=points[-1].session,
        source="`desk.equity_points`",
    )
cases, hit_rate = data.live_score()
if cases:
    st.markdown(
        f"The model's hit rate was **{formats.percent(hit_rate)}** of "
        f"{formats.counted(cases, 'matured prediction')}. One replay is one sample: it says little "
        "about the next."
    )
st.subheader("What next", anchor=False)
st.markdown(
    "- Look back: every decision is kept in Orders and on its proposal's page.\n"
    "- Start over: `./desk reset`, then `./desk up`.\n"
    "- Connect your own data, keys and database: the README says how, in three settings."
)
