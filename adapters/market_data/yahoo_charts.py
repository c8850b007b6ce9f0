"""Yahoo's chart service over HTTP, as yfinance wants it served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from curl_cffi import requests
from curl_cffi.requests.exceptions import RequestException

from adapters.market_data.errors import SourceBusyError, SourceError, SourceRefusedError
from adapters.market_data.retry import seconds_asked

_BUSY: Final = 429
_FORBIDDEN: Final = frozenset({401, 403})
_FAULTY: Final = 500


class YahooCharts:
    """Answers yfinance's questions for charts; fits what its `PriceHistory` asks of its data.

    yfinance's own data class keeps every past answer, a broken one too, repeats a refused request
    under another cookie, and waits 30 s for a cookie that charts do not need. This one asks once,
    in bounded time, and sorts the failures.

    Parameters
    ----------
    url : str
        Scheme and host in place of Yahoo's own; Yahoo's when empty.
    timeout : tuple of float
        Seconds to connect and to answer.
    """

    def __init__(self, url: str, timeout: tuple[float, float]) -> None:
        self._url = urlsplit(url)
        self._timeout = timeout
        # Yahoo turns away what does not look like a browser from its first byte on.
        self.session: Any = requests.Session(impersonate="chrome")

    def get(self, url: str, params: dict[str, Any] | None = None, timeout: float = 0.0) -> Any:
        """Return the response to a question; `timeout` is set by the desk, not the caller.

        Raises
        ------
        SourceError
            If there is none in time, or its status says that something is wrong.
        """
        wanted = self._directed(url)
        try:
            response = self.session.get(wanted, params=params, timeout=self._timeout)
        except RequestException as e:
            raise SourceError(f"Yahoo gave no answer to {wanted}: {e}") from e
        status = response.status_code
        if status == _BUSY:
            wait = seconds_asked(response.headers, now=datetime.now(UTC))
            raise SourceBusyError(
                f"Yahoo asks to wait (HTTP 429, Retry-After: {wait} s) with {wanted}.", wait=wait
            )
        if status in _FORBIDDEN:
            raise SourceRefusedError(f"Yahoo refused {wanted} (HTTP {status}).")
        if status >= _FAULTY:
            raise SourceError(f"Yahoo failed at {wanted} (HTTP {status}). It is asked again.")
        return response  # a symbol it does not know is told in the body, under HTTP 404

    cache_get = get  # yfinance asks so for the past; an answer that failed must not be kept

    def _directed(self, url: str) -> str:
        if not self._url.netloc:
            return url
        return urlunsplit(urlsplit(url)._replace(scheme=self._url.scheme, netloc=self._url.netloc))
