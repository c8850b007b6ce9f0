"""Free TCP ports on the loopback address."""

import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"


def is_free(port: int, *, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def next_free(preferred: int, *, taken: Collection[int] = (), host: str = LOOPBACK) -> int:
    """Return `preferred`, or the first free port after it that is not in `taken`."""
    for port in range(preferred, min(preferred + 200, 65536)):
        if port not in taken and is_free(port, host=host):
            return port
    raise OSError(
        f"No free port among {preferred} to {preferred + 199} on {host}. "
        "Stop what listens there, or choose others in DESK_HOME/desk.toml."
    )


def answers(port: int, *, host: str = LOOPBACK, timeout: float = 1.0) -> bool:
    """Return whether something accepts connections on the port within `timeout` seconds."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False
