"""Start a venue: `python -m venue --state DIR --port N --start 2012-07-02`."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import uvicorn

from venue import VERSION
from venue.app import create_app
from venue.settings import Costs, VenueConfig
from venue.store import StateInUseError

_EPILOG = """\
environment:
  VENUE_KEY_ID, VENUE_SECRET_KEY   the API keys clients must show; none set, none are needed

Point alpaca-py at it by url_override=http://HOST:PORT (streams: ws://HOST:PORT/stream for
trade updates, ws://HOST:PORT/v2/iex for market data). GET /venue/status tells where the
replay stands. The sample's daily prices are real; minutes are simulated. Nothing here
reaches a broker.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 0 at a clean end, 2 for arguments that cannot be."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        listener = _listener(given.host, given.port)
        app = create_app(_config(given))
    except (ValueError, StateInUseError, OSError) as e:
        print(f"venue: {e}", file=sys.stderr)  # noqa: T201  it is a command
        return 2
    settings = uvicorn.Config(
        app,
        log_level=given.log_level,
        access_log=False,
        timeout_graceful_shutdown=2,
        # Clients keep connections; one closed by us as an order is sent would leave it in doubt.
        timeout_keep_alive=300,
    )
    with suppress(KeyboardInterrupt):  # the server has already come to its end
        uvicorn.Server(settings).run(sockets=[listener])
    return 0


def _listener(host: str, port: int) -> socket.socket:
    """Bind before anything is opened: a port that is taken must not touch the state."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as e:
        listener.close()
        raise OSError(
            f"Cannot listen on {host}:{port}: {e.strerror}. Choose another --host or --port."
        ) from e
    return listener


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m venue",
        description="A paper venue: Alpaca's trading and market-data protocol over a replayed "
        "market (AAPL, FB, GOOG, IBM, MSFT; the S&P 500 as SPX, data only).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--state", type=Path, required=True, metavar="DIR", help="folder of the venue's state")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_port, required=True, help="port to listen on")
    add(
        "--start",
        type=_session,
        required=True,
        metavar="YYYY-MM-DD",
        help="session at whose close a fresh replay stands",
    )
    add(
        "--market",
        type=Path,
        metavar="DIR",
        help="folder with another market than the sample: market.json, bars.csv.gz, actions.csv",
    )
    add(
        "--pace",
        type=_positive,
        default=1.0,
        metavar="X",
        help="market minutes per wall second of a fresh replay (default: %(default)s)",
    )
    add(
        "--seed",
        type=_seed,
        default=7,
        metavar="N",
        help="seed of the simulated minutes (default: %(default)s)",
    )
    add(
        "--cash",
        type=_dollars,
        default=Decimal(100_000),
        metavar="USD",
        help="cash of a fresh account (default: %(default)s)",
    )
    add(
        "--half-spread-bps",
        type=_dollars,
        default=Costs().half_spread_bps,
        metavar="BPS",
        help="half of the quoted spread in basis points (default: %(default)s)",
    )
    add("--faults", action="store_true", help="allow PUT /venue/faults and POST /venue/events")
    add("--demo", action="store_true", help="allow POST /venue/events (planted cases)")
    add(
        "--log-level",
        default="warning",
        choices=["critical", "error", "warning", "info", "debug"],
        help="default: %(default)s",
    )
    add("--version", action="version", version=VERSION)
    return parser


def _config(given: argparse.Namespace) -> VenueConfig:
    return VenueConfig(
        state=given.state,
        start=given.start,
        market=given.market,
        pace=given.pace,
        seed=given.seed,
        cash=given.cash,
        costs=Costs(half_spread_bps=given.half_spread_bps),
        faults=given.faults,
        demo=given.demo,
        key_id=os.environ.get("VENUE_KEY_ID") or None,
        secret_key=os.environ.get("VENUE_SECRET_KEY") or None,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, was {text!r}")
    return int(text)


def _session(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a date YYYY-MM-DD, was {text!r}") from None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 100_000.0:
        raise argparse.ArgumentTypeError(f"must be a number in (0, 100000], was {text!r}")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 on, was {text!r}")
    return int(text)


def _dollars(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, was {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
