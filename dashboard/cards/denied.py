"""A denied proposal: which limit, by how much, and what would fit."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboard import asking, formats, tables
from dashboard.cards import words
from dashboard.cards.content import Check, Content
from ledger.pages import Proposal
from ledger.people import Person

# The limits that a check may fail by, as `./desk limit` names them; the others have none.
LIMITS: Mapping[str, tuple[str, ...]] = {
    "not_reconciled": ("reconciliation_age_seconds",),
    "data_not_trusted": ("daily_data_age_sessions",),
    "quantity": ("order_quantity",),
    "price_too_far": ("collar", "quote_age_seconds"),
    "order_too_large": ("order_notional", "order_volume_share"),
    "too_large": ("position_share", "advisory_position", "advisory_position_connected"),
    "exposure": ("gross_exposure", "net_exposure", "beta_exposure", "sector_share", "positions"),
    "short_not_allowed": ("short_share",),
    "loss_limit": (
        "daily_loss_pause", "drawdown_reduce", "value_at_risk", "trade_risk", "open_risk",
    ),
    "too_many_orders": ("orders_per_minute", "orders_per_day", "symbol_orders_per_day"),
    "duplicate": ("duplicate_window_minutes",),
    "paused_after_losses": ("consecutive_losses",),
}  # fmt: skip


def show(proposal: Proposal, content: Content, person: Person) -> None:
    """The first check that failed in words, what would fit, then all of them on demand."""
    failed = content.failed
    with st.container(border=True, key=f"card-{proposal.code}"):
        reason = f", {formats.plain(failed[0].code.replace('_', ' '))}" if failed else ""
        st.markdown(
            f"## :red[:material/block:] {words.sentence(proposal)}: denied{reason}", anchors=False
        )
        passed = sum(check.passed for check in content.checks)
        for check in failed:
            st.markdown(said(check))
        if content.checks:
            st.markdown(f"{passed} of {formats.counted(len(content.checks), 'check')} passed.")
        for check in failed:
            if check.fits:
                st.markdown(fits_sentence(check.fits, proposal, content))
        _propose(proposal, content, person)
        all_checks(content)
        st.caption(
            f"Nothing was sent. {change_sentence(failed)}"
            f"Proposal {proposal.code}, after {formats.day(proposal.session)}."
        )


def said(check: Check) -> str:
    """What a check that failed says, with its figure, its limit and how far it is off."""
    return f"{formats.plain(check.sentence)} {limit_sentence(check)}".strip()


def limit_sentence(check: Check) -> str:
    """How far a figure is beyond its limit, as in ``6.0 % is 1.00 points beyond 5.0 %``.

    Empty where the check knows no limit, or failed by something else.
    """
    figure, limit = check.figure, check.limit
    if figure is None or limit is None or figure < limit:
        return ""
    shown, most = (formats.measured(value, unit=check.unit) for value in (figure, limit))
    if figure == limit:
        return f"**Limit.** {shown} has reached it."
    off = formats.distance(figure - limit, unit=check.unit)
    return f"**Limit.** {shown} is {off} beyond {most}."


def change_sentence(failed: Sequence[Check]) -> str:
    """Who changes the limits that denied it, and how; nothing where no limit did."""
    names = [
        name for check in failed if check.limit is not None for name in LIMITS.get(check.code, ())
    ]
    if not names:
        return ""
    listed = ", ".join(f"`{name}`" for name in names)
    return (
        "For what is proposed next, a signatory may change a limit on the desk's machine, with "
        f'a reason and an end: `./desk limit NAME VALUE --by LOGIN --reason "…" --until DAY`, '
        f"NAME being {listed}. "
    )


def _propose(proposal: Proposal, content: Content, person: Person) -> None:
    """The button that proposes what fits; once it was pressed, what came of it."""
    fits = next((check.fits for check in content.failed if check.fits), None)
    if fits is None or len(proposal.legs) != 1:
        return
    ended = proposal.superseded_by is not None
    if st.button(
        f"Propose {formats.quantity(fits)} instead",
        key=f"fit-{proposal.code}",
        icon=":material/straighten:",
        disabled=ended or not (person.may("signatory") or person.may("analyst")),
    ):
        asking.ask(
            person,
            "propose_fitting",
            {"proposal_id": proposal.proposal_id},
            once=f"fit-{proposal.proposal_id}",
        )
    asking.lately_for("propose_fitting", proposal.proposal_id)


def fits_sentence(fits: Decimal, proposal: Proposal, content: Content) -> str:
    """``Fits: 8 shares, 4,797.68 USD, 4.8 %.`` as far as price and equity are known."""
    parts = [f"{formats.quantity(fits)} shares"]
    price = proposal.legs[0].limit_price
    if price is not None:
        parts.append(formats.money(fits * price))
        if content.equity:
            parts.append(f"{formats.percent(fits * price / content.equity)} of equity")
    return f"Fits: {', '.join(parts)}."


def all_checks(content: Content) -> None:
    """Every check with its figure and limit."""
    if not content.checks:
        return
    with st.expander(f"All {formats.counted(len(content.checks), 'check')}"):
        tables.show(
            [
                tables.figure("No."),
                tables.text("Result"),
                tables.figure("Figure"),
                tables.figure("Limit"),
                tables.text("Check"),
            ],
            [_row(check) for check in content.checks],
        )


def _row(check: Check) -> tuple[str, ...]:
    result = ":green[:material/check: passed]"
    if not check.passed:
        result = ":red[:material/close: denied]"
    elif check.warning:
        result = ":orange[:material/warning: warning]"
    return (
        str(check.number),
        result,
        formats.measured(check.figure, unit=check.unit),
        formats.measured(check.limit, unit=check.unit),
        formats.plain(check.sentence),
    )
