"""`./desk resume`: set the trading state to ACTIVE."""

from typing import Annotated

import typer

from countersign.commands.trading_state import set_state
from trading.state import TradingState

app = typer.Typer(add_completion=False)


@app.command()
def resume(
    reason: Annotated[str, typer.Argument(help="Why; kept in the audit log.")],
) -> None:
    """Allow trading again."""
    set_state(TradingState.ACTIVE, reason)
