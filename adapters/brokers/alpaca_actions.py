"""What Alpaca announces of splits before their ex-date."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from alpaca.data.enums import CorporateActionsType
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import CorporateActionsRequest

from adapters.brokers.alpaca_asking import asked, sober

_TIMEOUT = (3.0, 10.0)  # seconds to connect, to wait for an answer
# Everything by which the number of shares changes.
_KINDS = [
    CorporateActionsType.FORWARD_SPLIT,
    CorporateActionsType.REVERSE_SPLIT,
    CorporateActionsType.UNIT_SPLIT,
    CorporateActionsType.STOCK_DIVIDEND,
]
# Asked for by the day they are processed on, which may be later than the ex-date.
_PROCESSED_WITHIN = timedelta(days=7)


class AnnouncedSplits:
    """Which symbols' shares are split, merged or given on a day.

    Parameters
    ----------
    key_id, secret_key : str
        The API's keys.
    data_url : str
        Address of the market-data API, without version.
    """

    def __init__(self, *, key_id: str, secret_key: str, data_url: str) -> None:
        self._keys, self._data_url = (key_id, secret_key), data_url

    @cached_property
    def _actions(self) -> CorporateActionsClient:
        client = CorporateActionsClient(*self._keys, raw_data=True, url_override=self._data_url)
        return sober(client, _TIMEOUT)

    def on(self, ex_date: date, symbols: Sequence[str]) -> list[str]:
        """Return those of `symbols` whose number of shares changes as `ex_date` opens.

        Raises
        ------
        BrokerUnavailableError
            If no usable answer came.
        """
        wanted = CorporateActionsRequest(
            symbols=list(symbols), types=_KINDS, start=ex_date, end=ex_date + _PROCESSED_WITHIN
        )

        def told() -> list[str]:
            reply: Any = self._actions.get_corporate_actions(wanted)
            found = [
                one
                for listed in reply.get("corporate_actions", reply).values()
                for one in listed
                if (one.get("ex_date") or one.get("effective_date")) == ex_date.isoformat()
            ]
            named = {one.get("symbol") or one.get("old_symbol") for one in found}
            return sorted(named & set(symbols))

        return asked("corporate-actions", told)
