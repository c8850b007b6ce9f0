"""`./desk generate`: land a synthetic market in the lake."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from adapters import object_store
from adapters.market_data import asked, calendar, generated, replayed
from adapters.market_data.generated import GeneratedMarket
from adapters.market_data.landing import Kind, land
from adapters.object_store import ObjectStore, StoreError
from config import settings as configuration
from config.settings import Settings
from countersign.console import console
from countersign.errors import CommandError
from countersign.processes.tasks import ensure_buckets

app = typer.Typer(add_completion=False)
_SEEN_BY_THE_VENUE = 300  # sessions before the replay: a year for who asks it, and some


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
        bool, typer.Option("--use", help="Make it the desk's universe, and what its venue replays.")
    ] = False,
) -> None:
    """Make a market: clustered volatility, sectors, splits, dividends, renamings, delistings."""
    settings = configuration.load()
    last = _date(until) if until else settings.venue.start
    if use and last != settings.venue.start:
        raise CommandError(f"With --use the history ends as the replay begins, not on {last}.")
    sessions = _sessions(last, years)
    if minute_sessions > len(sessions):
        raise CommandError(f"The history has {len(sessions)} sessions; --minute-sessions is more.")
    # What follows the replay's start is the venue's, which releases it as its market moves.
    ahead = _sessions_between(last, settings.history.last_session) if use else []
    try:
        ensure_buckets(settings)
        store = object_store.from_settings(settings)
        store.check()
        with console.status("Generating …"):
            made = generated.market([*sessions, *ahead], symbols=symbols, seed=seed)
        rows = _land(store, _until(made, last), last)
        if minute_sessions:
            rows += _land_minutes(store, made, sessions[-minute_sessions:], seed)
    except StoreError as e:
        raise CommandError(str(e)) from e
    console.print(f"{rows:,} rows landed in {store.name}, {sessions[0]} to {last}.")
    console.print(f"What was planted is told in {write_truth(settings.home / 'generated', made)}.")
    if use:
        _note_unlisted(store, made, sessions)
        _use(settings, made, sessions)


def _note_unlisted(store: ObjectStore, made: GeneratedMarket, sessions: list[dt.date]) -> None:
    """Note that who is listed after the history only has no bar in it, so that nobody asks."""
    landed = made.daily.filter(pl.col("session") <= sessions[-1])["symbol"]
    later = frozenset(made.sectors) - set(landed)
    if later:
        asked.record(store, dict.fromkeys(sessions, later), asked_at=dt.datetime.now(dt.UTC))


def _use(settings: Settings, made: GeneratedMarket, sessions: list[dt.date]) -> None:
    universe = settings.home / "universe.toml"
    write_universe(universe, made)
    replayed.write(settings.market, made, first=sessions[-min(_SEEN_BY_THE_VENUE, len(sessions))])
    console.print(
        f"The desk's universe is now {universe}, and its venue replays {settings.market} from "
        f"{sessions[-1]} to {settings.history.last_session}. Delete both to go back; a replay that "
        "has begun on another market needs ./desk reset."
    )
    if settings.history.first_session < sessions[0]:
        console.print(f"Set COUNTERSIGN_HISTORY__FIRST_SESSION={sessions[0]}: nothing is older.")


def _until(made: GeneratedMarket, last: dt.date) -> GeneratedMarket:
    """Return what the lake may hold: bars to `last`, and of later actions those no venue tells.

    Alpaca's protocol has splits and dividends; that a firm changes its ticker or leaves counts as
    known from its announcement, and so lies in the lake for the day it is asked about.
    """
    told = pl.col("session") <= last
    untold = pl.col("kind").is_in(["symbol_change", "delisting"])
    return replace(
        made,
        daily=made.daily.filter(told),
        index=made.index.filter(told),
        actions=made.actions.filter(told | untold),
    )


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
    sessions = _sessions_between(first - dt.timedelta(days=1), last)
    if len(sessions) < 2:
        raise CommandError(f"There are fewer than two sessions from {first} to {last}.")
    return sessions


def _sessions_between(after: dt.date, last: dt.date) -> list[dt.date]:
    span = (pl.col("session") > after) & (pl.col("session") <= last)
    found: list[dt.date] = calendar.sessions().filter(span)["session"].to_list()
    return found


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as e:
        raise CommandError(f"--until must be a date YYYY-MM-DD, was {text!r}.") from e
