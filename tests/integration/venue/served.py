"""A venue in its own process, with the arguments that the desk starts it with."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import requests

from venue.__main__ import main

KEYS = {"VENUE_KEY_ID": "PKTEST", "VENUE_SECRET_KEY": "secret"}
HEADERS = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "secret"}

# Copies of a process that has read the market already are up in a fifth of the time; how a venue
# starts from nothing is seen by `run` and by the tests of a whole desk.
_READY = multiprocessing.get_context("forkserver")
_READY.set_forkserver_preload(["tests.integration.venue.market_read"])


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class ServedVenue:
    """A running venue and the control calls tests make."""

    def __init__(self, state: Path, *options: str, start: str = "2012-07-02") -> None:
        self.state, self.options, self.start = state, options, start
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stream = f"ws://127.0.0.1:{self.port}/stream"
        self.feed = f"ws://127.0.0.1:{self.port}/v2/iex"
        self._process = self._started()

    def _started(self) -> BaseProcess:
        arguments = ["--state", str(self.state), "--port", str(self.port), "--start", self.start]
        process = _READY.Process(
            target=_serve, args=([*arguments, *self.options], dict(os.environ)), daemon=True
        )
        process.start()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                requests.get(f"{self.url}/venue/health", timeout=1)
            except requests.ConnectionError:
                assert process.is_alive(), "the venue ended while starting"
                time.sleep(0.05)
            else:
                return process
        raise TimeoutError("the venue did not answer within 30 s")

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.join()

    def restart(self) -> None:
        self._process = self._started()

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(timeout=10)
        assert not self._process.is_alive(), "the venue did not stop within 10 s"

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return self._call("POST", path, body, status)

    def put(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return self._call("PUT", path, body, status)

    def get(self, path: str, *, status: int = 200) -> Any:
        return self._call("GET", path, None, status)

    def delete(self, path: str, *, status: int = 200) -> Any:
        return self._call("DELETE", path, None, status)

    def _call(self, method: str, path: str, body: Any, status: int) -> Any:
        reply = requests.request(method, self.url + path, json=body, headers=HEADERS, timeout=60)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None

    def until(self, wanted: Any, *, seconds: float = 10.0) -> Any:
        """Wait until `wanted()` says something true, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := wanted():
                return found
            time.sleep(0.02)
        raise TimeoutError(f"nothing came within {seconds} s")


def _serve(arguments: list[str], environment: dict[str, str]) -> None:
    os.environ.update(environment | KEYS)
    sys.exit(main(arguments))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "venue", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=60, check=False
    )
