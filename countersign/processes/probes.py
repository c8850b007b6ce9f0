"""How to tell that a process does its work."""

import http.client
from collections.abc import Callable

from countersign.processes.ports import LOOPBACK, answers

Probe = Callable[[], bool]


def listens(port: int) -> Probe:
    """Return a probe: something accepts connections on the port."""
    return lambda: answers(port)


def responds(port: int, path: str, *, host: str = LOOPBACK, timeout: float = 3.0) -> Probe:
    """Return a probe: an HTTP GET of the path is answered below 500."""

    def probe() -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def lives() -> bool:
    """Probe of a process that listens nowhere: it is well while it lives."""
    return True
