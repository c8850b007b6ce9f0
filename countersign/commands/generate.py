"""`./desk generate`: land a synthetic market in the lake."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from adapters import object_store
from adapters.market_data import calendar, generated
from adapters.market_data.generated import GeneratedMarket
from adapters.market_data.landing import Kind, land
from adapters.object_store import ObjectStore, StoreError
from config import settings as configuration
from config.settings import Settings
from countersign.console import console
from countersign.errors import CommandError
from countersign.processes.tasks import ensure_buckets

app = typer.Typer(add_completion=False)


@app.command()
def generate(
    *,
    symbols: Annotated[int, typer.Option(min=1, max=9999, help="How many symbols.")] = 100,
    years: Annotated[float, typer.Option(min=0.1, max=40, help="Length of the history.")] = 5.0,
    minute_sessions: Annotated[
        int, typer.Option("--minute-sessions", min=0, help="Last sessions with minute bars too.")
    ] = 0,
    until: Annotated[str, typer.Option(help="Last session; the replay's start if empty.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same market.")] = 1,
    use: Annotated[
        bool, typer.Option("--use", help="Make it the desk's universe (DESK_HOME/universe.toml).")
    ] = False,
) -> None:
    """Make a market: clustered volatility, sectors, splits, dividends, renamings, delistings."""
    settings = configuration.load()
    last = _date(until) if until else settings.venue.start
    sessions = _sessions(last, years)
    if minute_sessions > len(sessions):
        raise CommandError(f"The history has {len(sessions)} sessions; --minute-sessions is more.")
    try:
        ensure_buckets(settings)
        store = object_store.from_settings(settings)
        store.check()
        with console.status("Generating …"):
            made = generated.market(sessions, symbols=symbols, seed=seed)
        rows = _land(store, made, last)
        if minute_sessions:
            rows += _land_minutes(store, made, sessions[-minute_sessions:], seed)
    except StoreError as e:
        raise CommandError(str(e)) from e
    console.print(f"{rows:,} rows landed in {store.name}, {sessions[0]} to {last}.")
    console.print(f"What was planted is told in {write_truth(settings.home / 'generated', made)}.")
    if use:
        _use(settings, made, sessions[0])


def _use(settings: Settings, made: GeneratedMarket, first: dt.date) -> None:
    path = settings.home / "universe.toml"
    write_universe(path, made)
    console.print(
        f"The desk's universe is now {path}; delete it to go back.\n"
        "The venue replays its own sample only: this market ends with its last session, and an "
        "order for one of its symbols is refused."
    )
    if settings.history.first_session < first:
        console.print(f"Set COUNTERSIGN_HISTORY__FIRST_SESSION={first}: nothing is older.")


def write_universe(path: Path, made: GeneratedMarket) -> None:
    """Write the generated symbols as a universe; with hindsight, since delistings are known."""
    lines = [
        'name = "generated"',
        f'index = "{generated.INDEX}"',
        "point_in_time = false",
        "minimum_history = 252",
    ]
    for symbol, sector in made.sectors.items():
        told = (f'symbol = "{symbol}"', f'label = "Generated {symbol}"', f'sector = "{sector}"')
        lines += ["", "[[symbols]]", *told]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_truth(folder: Path, made: GeneratedMarket) -> Path:
    """Write who was behind each ticker and what happened to whom, as CSV files; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    made.firms.write_csv(folder / "firms.csv")
    made.actions.write_csv(folder / "actions.csv")
    return folder


def _land(store: ObjectStore, made: GeneratedMarket, last: dt.date) -> int:
    rows = 0
    frames: list[tuple[Kind, pl.DataFrame]] = [
        ("daily", made.daily), ("index", made.index), ("actions", made.actions),
    ]  # fmt: skip
    with console.status("Landing …") as shown:
        for kind, frame in frames:
            if frame.is_empty():
                continue
            shown.update(f"Landing {kind}")
            landed = land(
                store,
                frame,
                kind=kind,
                source=generated.SOURCE,
                simulated=True,
                landed_at=dt.datetime.now(dt.UTC),
                market_at=calendar.close_of(last),
            )
            rows += landed.rows
    return rows


def _land_minutes(
    store: ObjectStore, made: GeneratedMarket, sessions: list[dt.date], seed: int
) -> int:
    rows = 0
    with console.status("Landing …") as shown:
        for number, session in enumerate(sessions):
            shown.update(f"Landing minutes of {session}")
            daily = made.daily.filter(pl.col("session") == session)
            if daily.is_empty():
                continue
            landed = land(
                store,
                _minutes(daily, seed=seed * 100_003 + number),
                kind="minute",
                source=generated.SOURCE,
                simulated=True,
                landed_at=dt.datetime.now(dt.UTC),
                market_at=calendar.close_of(session),
            )
            rows += landed.rows
    return rows


def _minutes(daily: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Return minutes of daily bars, as many as each session had."""
    hours = calendar.with_close(
        calendar.with_open(daily, day="session", name="opens_at"),
        lag=dt.timedelta(0), name="closes_at",
    )  # fmt: skip
    lengths = (hours["closes_at"] - hours["opens_at"]).dt.total_minutes()
    return generated.minutes(daily, hours["opens_at"], seed=seed, lengths=lengths)


def _sessions(last: dt.date, years: float) -> list[dt.date]:
    first = last - dt.timedelta(days=round(years * 365.25))
    found = calendar.sessions().filter(pl.col("session").is_between(first, last))
    sessions: list[dt.date] = found["session"].to_list()
    if len(sessions) < 2:
        raise CommandError(f"There are fewer than two sessions from {first} to {last}.")
    return sessions


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as e:
        raise CommandError(f"--until must be a date YYYY-MM-DD, was {text!r}.") from e
