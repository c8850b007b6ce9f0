"""Dividends on file that no price can have paid: their symbols begin anew on the ex-date."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb

from assets.desk_time import decision_time
from quant.features import DAILY
from warehouse import adjustment

# Calendar days that hold at least as many sessions as the longest look-back (252 in 365).
LOOK_BACK = timedelta(days=int(DAILY.exact_look_back * 1.6) + 10)


def reasons(
    conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], first: date, last: date
) -> dict[str, str]:
    """Say by symbol which dividend features of the sessions cannot look beyond, the newest one."""
    found = adjustment.unpayable(conn, symbols, first - LOOK_BACK, last, as_of=decision_time(last))
    return {row["symbol"]: _sentence(row) for row in found.iter_rows(named=True)}


def _sentence(row: dict[str, Any]) -> str:
    return (
        f"The dividend of {row['symbol']} on {row['ex_date']}, {row['amount']:,.2f} USD, is not "
        f"below the close before it, {row['price']:,.2f} USD: earlier prices cannot be compared "
        "with later ones, and its history begins anew. Correct or cancel it in "
        "market.corporate_actions (amount 0)."
    )
