"""What the webserver answers about the code location, on a real socket."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from countersign.graphql import Dagster, DagsterError

READY = {"__typename": "RepositoryLocation"}


def broken(message: str) -> dict[str, str]:
    return {"__typename": "PythonError", "message": message}


@contextmanager
def webserver(*states: dict[str, str]) -> Iterator[tuple[Dagster, list[str]]]:
    """A webserver whose location is in each of `states` in turn: it moves on when reloaded."""
    told: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["query"]
            told.append("reload" if "reloadRepositoryLocation" in query else "ask")
            state = states[min(told.count("reload"), len(states) - 1)]
            entry = {"name": "countersign", "loadStatus": "LOADED", "locationOrLoadError": state}
            answer = {"data": {"workspaceOrError": {"locationEntries": [entry]}}}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Dagster(f"http://127.0.0.1:{server.server_port}", "countersign"), told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_code_server_that_was_not_there_yet_is_looked_for_again() -> None:
    gone = broken("dagster._core.errors.DagsterUserCodeUnreachableError: Could not reach it.")

    with webserver(gone, gone, READY) as (dagster, told):
        assert [dagster.is_loaded() for _ in range(3)] == [False, False, True]

    assert told == ["ask", "reload", "ask", "reload", "ask"]


def test_code_that_cannot_be_loaded_is_an_error() -> None:
    with (
        webserver(broken("SyntaxError: invalid syntax")) as (dagster, told),
        pytest.raises(DagsterError, match="cannot be loaded: SyntaxError"),
    ):
        dagster.is_loaded()

    assert told == ["ask"]
