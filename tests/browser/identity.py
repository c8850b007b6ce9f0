"""A small OpenID provider on loopback that signs in whoever the test names."""

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "countersign"
_SECONDS = 300


@dataclass
class Provider:
    """Discovery, authorisation code with PKCE, RS256 tokens; refuses what it does not know.

    It listens on 127.0.0.1 and calls itself `localhost`, which to a browser is another site than
    a desk at 127.0.0.1: cookies behave as they would between two organisations.
    """

    client_secret: str
    callback: str  # the one address it sends people back to
    person: dict[str, Any] = field(default_factory=dict)  # claims of whoever signs in next
    refusal: str = ""  # an error code instead of a sign-in

    def __post_init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self._key = RSAKey.generate_key(2048, {"kid": "test", "use": "sig", "alg": "RS256"})
        self._codes: dict[str, dict[str, str]] = {}
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def issuer(self) -> str:
        """The address that its tokens are signed for."""
        return f"http://localhost:{self._server.server_port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict[str, Any]:
        """What a client may know."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, Any]:
        """Its public key."""
        return {"keys": [self._key.as_dict(private=False)]}

    def authorize(self, asked: dict[str, str]) -> str | None:
        """Where the browser goes next; None when the request is not of its client."""
        self.asked.append(asked)
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != self.callback:
            return None
        if self.refusal:
            said = {"error": self.refusal}
        else:
            said = {"code": secrets.token_urlsafe(16)}
            self._codes[said["code"]] = asked
        return f"{self.callback}?{urlencode(said | {'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Tokens for a code, once; None when client, code or proof is wrong."""
        basic = base64.b64encode(f"{CLIENT}:{self.client_secret}".encode()).decode()
        asked = self._codes.pop(form.get("code", ""), None)
        if authorization != f"Basic {basic}" or asked is None:
            return None
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(proof).decode().rstrip("=") != asked.get("code_challenge"):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + _SECONDS,
            "nonce": asked["nonce"],
        } | self.person
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": _SECONDS,
            "id_token": jwt.encode({"alg": "RS256", "kid": "test"}, claims, self._key),
        }


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/authorize":
            self._redirect(self.provider.authorize(_single(parts.query)))
            return
        told = {
            "/.well-known/openid-configuration": self.provider.metadata,
            "/jwks": self.provider.keys,
        }.get(parts.path)
        self._json(200 if told else 404, told() if told else {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = self.provider.token(_single(body), self.headers.get("Authorization", ""))
        self._json(200 if told else 401, told or {"error": "invalid_client"})

    def log_message(self, *_said: object) -> None:
        """Say nothing: the test looks at what was asked."""

    def _redirect(self, to: str | None) -> None:
        if to is None:
            self._json(400, {"error": "invalid_request"})
            return
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def _json(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
