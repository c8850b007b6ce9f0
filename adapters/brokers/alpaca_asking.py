"""Asking Alpaca: one try, a time-out, and an error that says what stayed unanswered."""

from collections.abc import Callable
from typing import Any, TypeVar

import requests
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from adapters.brokers import alpaca_answers as answers
from trading.errors import BrokerUnavailableError

T = TypeVar("T")


class _TimedAdapter(HTTPAdapter):
    """A transport that never waits for ever and never sends twice."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__(max_retries=Retry(0, read=False))
        self._timeout = timeout

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        """Send with the timeout unless the call brings its own."""
        if options.get("timeout") is None:
            options["timeout"] = self._timeout
        return super().send(*arguments, **options)


_Client = TypeVar("_Client", bound=RESTClient)


def sober(client: _Client, timeout: tuple[float, float]) -> _Client:
    """Take away alpaca-py's own retries, which repeat POST too, and give it a timeout."""
    # Neither has a public setting: zero attempts in the constructor mean three.
    client._retry = 0  # noqa: SLF001 - see above
    session: requests.Session = client._session  # noqa: SLF001 - see above
    for scheme in ("http://", "https://"):
        session.mount(scheme, _TimedAdapter(timeout))
    # The desk's keys go to the broker's address only, whatever proxies the machine names.
    session.trust_env = False
    return client


def ask(what: str, question: Callable[[], T], *, missing_is_none: bool) -> T | None:
    """Return the answer; None where the broker has no such thing and `missing_is_none`.

    Raises
    ------
    BrokerUnavailableError
        If no usable answer came.
    """
    try:
        return question()
    except APIError as e:
        if missing_is_none and e.status_code == requests.codes.not_found:
            return None
        raise unavailable(what, e) from e
    except (requests.RequestException, *answers.UNREADABLE) as e:
        raise unavailable(what, e) from e


def asked(what: str, question: Callable[[], T]) -> T:
    """Return the answer to a question that always has one."""
    answer = ask(what, question, missing_is_none=False)
    assert answer is not None
    return answer


def unavailable(what: str, error: Exception) -> BrokerUnavailableError:
    """Return the error that says what stayed unanswered, and why."""
    return BrokerUnavailableError(f"The broker gave no usable answer to {what}: {error}")
