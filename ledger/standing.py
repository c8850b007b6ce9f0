"""What the ledger alone says against signing a proposal now."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from config.limits import Limits
from ledger import filed, fills, overrides, promised
from ledger.situation import Situation, situation
from ledger.stop_risk import stop_risk
from trading.limits import effective
from trading.looking import quotes_now
from trading.picture import ModelNow, Picture
from trading.pretrade import KNOWN_TO_THE_LEDGER, denials, judge
from trading.proposals import CheckResult, Proposal, from_content


def against_signing(
    conn: sa.Connection,
    proposal_id: str,
    *,
    limits: Limits,
    sectors: Mapping[str, str],
    desk_at: datetime,
) -> tuple[CheckResult, ...]:
    """Return what denies an open proposal if every signed leg and open order is filled first.

    Only checks whose inputs are in the ledger are asked; all are asked again before sending.

    Parameters
    ----------
    limits : Limits
        As configured; the account's overrides are applied.
    sectors : mapping
        Symbol to sector.
    desk_at : datetime
        Wall time.

    Returns
    -------
    tuple of CheckResult
        Denials in the order of their numbers; none for a proposal that is not open, because
        signing it is refused anyway.

    Raises
    ------
    ContentMismatchError
        If the stored proposal is not what was hashed.
    """
    stored = filed.by_id(conn, proposal_id)
    if stored is None or stored.state != "open":
        return ()
    proposal = from_content(filed.content(conn, proposal_id))
    changed = overrides.active(conn, account_id=proposal.account_id, desk_at=desk_at)
    now = situation(conn, desk_at=desk_at)
    picture = _picture(
        conn,
        proposal,
        now,
        limits=effective(limits, changed, now=desk_at),
        sectors=sectors,
    )
    signed = promised.promised(
        conn,
        states=("signed",),
        market_at=None if now.market is None else now.market.now,
        but=proposal_id,
    )
    if proposal.command is None:  # a flatten does not yield to sales that still wait
        picture = promised.with_all(picture, signed)
    return denials(judge(picture, proposal.legs, checks=KNOWN_TO_THE_LEDGER))


def _picture(
    conn: sa.Connection,
    proposal: Proposal,
    now: Situation,
    *,
    limits: Limits,
    sectors: Mapping[str, str],
) -> Picture:
    version = proposal.model_version
    return Picture(
        limits=limits,
        environment=proposal.environment,
        sending=True,  # a signature is the last a person is asked: what denies then denies now
        proposal_id=proposal.proposal_id,
        account_environment=now.account_environment,
        trading_state=now.trading_state,
        reconciled=now.reconciled,
        market=now.market,
        account=now.account,
        positions=now.positions,
        working=now.working,
        activity=now.activity,
        model=None if version is None else ModelNow(version, _status(proposal), True),
        by_hand=proposal.entered_by is not None,
        command=proposal.command,
        quotes={} if now.market is None else quotes_now(now.quotes, now.market, limits),
        sectors=sectors,
        open_stop_risk=stop_risk(conn),
        stop_demanded=proposal.entered_by is None,
        consecutive_losses=fills.losses_in_a_row(conn, proposal.strategy),
        builds=now.builds,
    )


def _status(proposal: Proposal) -> str:
    return "challenger" if proposal.advisory else "champion"
