"""`./desk reduce`: set the trading state to REDUCING."""

from typing import Annotated

import typer

from countersign.commands.trading_state import set_state
from trading.state import TradingState

app = typer.Typer(add_completion=False)


@app.command()
def reduce(
    reason: Annotated[str, typer.Argument(help="Why; kept in the audit log.")],
) -> None:
    """Allow only orders that reduce positions."""
    set_state(TradingState.REDUCING, reason)
