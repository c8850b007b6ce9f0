"""What a page says when there is nothing, nothing new, or nothing that works."""

import logging
from datetime import datetime, timedelta

import duckdb
import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import formats
from warehouse.errors import WarehouseMissingError, WarehouseUnavailableError

_LOG = logging.getLogger(__name__)
WarehouseError = WarehouseMissingError | WarehouseUnavailableError

# The worker writes the clock every second or two; beyond this something is wrong.
STALE_AFTER = timedelta(seconds=20)


def empty(what: str, *, why: str = "", then: str = "") -> None:
    """Say what is missing, why, and what comes next."""
    with st.container(border=True):
        rest = " ".join(part for part in (why, then) if part)
        st.markdown(f":gray[:material/inbox:] **{what}** {rest}")


def failing(what: str, *, works: str, action: str) -> None:
    """Say what failed, what still works, and the one thing to do."""
    st.error(f"**{what}** {works} {action}", icon=":material/error:")


def explain(error: Exception) -> bool:
    """Show which store failed and what that means; True when the error is one of theirs."""
    told = (
        f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}" if str(error) else ""
    )
    if isinstance(error, SQLAlchemyError):
        failing(
            "The ledger does not answer.",
            works="Orders already sent stay with the broker; nothing new can be signed or sent.",
            action="The supervisor restarts the database by itself; look at `./desk status`.",
        )
    elif isinstance(error, duckdb.Error | WarehouseError):
        failing(
            "The warehouse does not answer.",
            works="Approvals, orders and the portfolio still work; they need only the ledger.",
            action="Look at `./desk status` and `./desk logs postgres`.",
        )
    else:
        _LOG.error("A page failed.", exc_info=error)
        failing(
            "This page failed.",
            works="The other pages still work, and nothing was sent.",
            action="`./desk logs dashboard` tells more.",
        )
    st.caption(formats.plain(told))
    return True


def age(received_at: datetime, *, now: datetime) -> timedelta:
    """How long ago the desk heard a figure."""
    return max(timedelta(0), now - received_at)


def is_stale(received_at: datetime, *, now: datetime) -> bool:
    """Whether a live figure is too old to sign by."""
    return age(received_at, now=now) > STALE_AFTER


def stale_sentence(as_of: datetime, received_at: datetime, *, now: datetime) -> str:
    """``as of 09:14, 17 minutes old``."""
    return f"as of {formats.clock(as_of)}, {formats.span(age(received_at, now=now))} old"
