"""A web server and a mail server on this machine that keep what they are sent."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Posts:
    """What a webhook was sent, and how it answers."""

    port: int = 0
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/B0/very-secret"


@contextmanager
def webhook() -> Iterator[Posts]:
    kept = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            kept.bodies.append(json.loads(self.rfile.read(length)))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_told: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    with _served(server):
        yield kept


@dataclass
class Mails:
    """What a mail server was handed, and what it refuses."""

    port: int = 0
    refuses: str = ""  # a receiver
    users: list[str] = field(default_factory=list)  # what AUTH PLAIN carried, base64
    letters: list[EmailMessage] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)


class _MailServer(socketserver.ThreadingTCPServer):
    kept: Mails


class _MailHandler(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":", maxsplit=1)[0].split(maxsplit=1)[0].upper()
            self._say(self._answer(word, line))
            if word == "QUIT":
                return

    def _answer(self, word: str, line: str) -> str:
        kept = self.server.kept
        if word == "EHLO":
            return "250-test\r\n250 AUTH PLAIN"
        if word == "AUTH":
            kept.users.append(line.rsplit(maxsplit=1)[-1])
            return "235 in"
        if word == "RCPT":
            return self._receiver(line)
        if word == "DATA":
            self._say("354 go on")
            kept.letters.append(self._letter())
        return "221 bye" if word == "QUIT" else "250 ok"

    def _receiver(self, line: str) -> str:
        kept = self.server.kept
        if kept.refuses and kept.refuses in line:
            return "550 no such person"
        kept.receivers.append(line.split("<")[1].split(">", maxsplit=1)[0])
        return "250 ok"

    def _letter(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Mails]:
    server = _MailServer(("127.0.0.1", 0), _MailHandler)
    server.kept = Mails(port=server.server_address[1])
    with _served(server):
        yield server.kept


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
