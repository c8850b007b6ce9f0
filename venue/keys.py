"""Who may use the venue."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """The pair of API keys clients must show; none set, everyone may come in."""

    key_id: str | None = None
    secret_key: str | None = None

    def match(self, key_id: object, secret_key: object) -> bool:
        """Whether a shown pair is the right one."""
        if self.key_id is None or self.secret_key is None:
            return True
        shown = (str(key_id or ""), str(secret_key or ""))
        return hmac.compare_digest(shown[0].encode(), self.key_id.encode()) and (
            hmac.compare_digest(shown[1].encode(), self.secret_key.encode())
        )

    def shown(self, headers: Mapping[str, str]) -> tuple[str, str] | None:
        """The pair a request shows, in Alpaca's headers or by basic authorization."""
        pair = headers.get("apca-api-key-id"), headers.get("apca-api-secret-key")
        if pair[0] and pair[1]:
            return pair[0], pair[1]
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user, password
