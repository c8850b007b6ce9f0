"""`./desk venue …`: the replayed market."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from adapters.brokers.venue_control import VenueControl
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from trading.errors import DeskError

app = typer.Typer(
    help="Pause, run, step or jump the replayed market.",
    no_args_is_help=True,
    add_completion=False,
)


@contextmanager
def _control() -> Iterator[VenueControl]:
    settings = running()
    if settings.broker.kind != "venue":
        raise CommandError("This desk trades with a real broker: its market cannot be moved.")
    control = VenueControl(
        settings.broker.url,
        key_id=settings.broker.key_id,
        secret_key=settings.broker.secret_key,
    )
    try:
        yield control
        now = control.status()
    except DeskError as e:
        raise CommandError(str(e)) from e
    finally:
        control.close()
    held = f": {now.hold_reason}" if now.hold_reason else ""
    console.print(f"{now.now:%a %d %b %Y %H:%M} UTC, {now.state}{held}, {now.pace} minutes/s")


@app.command()
def pause() -> None:
    """Stop the market's clock."""
    with _control() as control:
        control.pause()


@app.command()
def run() -> None:
    """Let the market's clock run."""
    with _control() as control:
        control.run()


@app.command()
def step(minutes: Annotated[int, typer.Argument(min=1, help="Market minutes.")] = 1) -> None:
    """Move the market by some minutes."""
    with _control() as control:
        control.step(minutes)


@app.command()
def jump(
    to: Annotated[str, typer.Argument(help="next_open, before_close, close or YYYY-MM-DD.")],
) -> None:
    """Move the market to a moment ahead."""
    with _control() as control:
        control.jump(to)


@app.command()
def pace(
    minutes_per_second: Annotated[str, typer.Argument(help="Market minutes per second.")],
) -> None:
    """Set how fast the market's clock runs."""
    try:
        figure = Decimal(minutes_per_second)
    except InvalidOperation as e:
        raise CommandError(f"The pace must be a number, was {minutes_per_second!r}.") from e
    with _control() as control:
        control.pace(figure)
