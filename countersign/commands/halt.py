"""`./desk halt`: set the trading state to HALTED."""

from typing import Annotated

import typer

from countersign.commands.trading_state import set_state
from trading.state import TradingState

app = typer.Typer(add_completion=False)


@app.command()
def halt(
    reason: Annotated[str, typer.Argument(help="Why; kept in the audit log.")],
) -> None:
    """Stop trading now: nothing is sent, open orders are cancelled."""
    set_state(TradingState.HALTED, reason)
