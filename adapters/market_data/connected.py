"""The sources of market data that the settings name, as one chain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from adapters.market_data.chain import Book, Chain, Patience, Source
from adapters.market_data.errors import SourceKeysError
from adapters.market_data.retry import Pauses
from adapters.market_data.sample_source import SampleMarketData
from adapters.market_data.yahoo import YahooMarketData
from config.settings import Settings
from trading.clock import DeskClock


def _sample(settings: Settings) -> Source:
    return SampleMarketData()


def _alpaca(settings: Settings) -> Source:
    from adapters.market_data.alpaca import (  # noqa: PLC0415  its client costs more than a second
        AlpacaMarketData,
    )

    return AlpacaMarketData(settings)


_MAKERS: Final[dict[str, Callable[[Settings], Source]]] = {
    "venue": _alpaca,
    "alpaca": _alpaca,
    "yahoo": YahooMarketData,
    "sample": _sample,
}


def chain(settings: Settings, *, book: Book, clock: DeskClock) -> Chain:
    """Return the sources in the order that `settings.sources` says; none is contacted yet.

    Raises
    ------
    SourceKeysError
        If the order names a broker that the desk does not trade with: its address and keys are
        those of `broker`.
    """
    told, broker = settings.sources, settings.broker.kind
    order = told.chain(broker)
    for name in order:
        if name in {"venue", "alpaca"} and name != broker:
            raise SourceKeysError(
                f"`sources.order` names {name}, and `broker.kind` is {broker}: the desk has keys "
                f"for that one alone. Use {broker} in the order, or leave it empty."
            )
    return Chain(
        [_MAKERS[name](settings) for name in order],
        book,
        Patience(
            told.errors_in_a_row,
            timedelta(minutes=told.cool_down_minutes),
            Pauses(told.pause_seconds, told.longest_pause_seconds),
        ),
        clock,
    )
