"""Where the dashboard listens, how people reach it and how they sign in."""

from typing import Literal, Self

from pydantic import Field, model_validator

from config.addresses import Origin, Port, ProviderAddress, is_loopback
from config.documents import Frozen
from config.errors import DisagreementError

_DISCOVERY = "/.well-known/openid-configuration"


class DashboardSettings(Frozen):
    """The section `dashboard`; the keys `oidc_…` serve `sign_in` = ``oidc`` alone."""

    host: str = "127.0.0.1"
    port: Port = 8501
    address: Origin = ""  # as people type it; http://host:port when empty
    sign_in: Literal["auto", "os", "local", "oidc"] = "auto"
    oidc_provider: ProviderAddress = ""  # the issuer, e.g. https://accounts.google.com
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)

    @model_validator(mode="after")
    def _can_ask_the_provider(self) -> Self:
        if self.sign_in == "oidc":
            _require_provider(self)
            _require_address(self)
        return self

    @property
    def origin(self) -> str:
        """The address people type: scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.address or f"http://{host}:{self.port}"

    @property
    def oidc_metadata(self) -> str:
        """Where the provider describes itself."""
        return self.oidc_provider.removesuffix(_DISCOVERY).rstrip("/") + _DISCOVERY


def _require_provider(told: DashboardSettings) -> None:
    wanted = {
        "OIDC_PROVIDER": told.oidc_provider,
        "OIDC_CLIENT_ID": told.oidc_client_id,
        "OIDC_CLIENT_SECRET": told.oidc_client_secret,
    }
    missing = [f"COUNTERSIGN_DASHBOARD__{name}" for name, value in wanted.items() if not value]
    if missing:
        raise DisagreementError(
            "`dashboard.sign_in` is oidc, and what the provider gave you is not complete. Set "
            f"{' and '.join(missing)} (docs/signing-in.md).",
            "dashboard.sign_in",
        )


def _require_address(told: DashboardSettings) -> None:
    if not told.address and not is_loopback(told.host):
        raise DisagreementError(
            "`dashboard.sign_in` is oidc, and the provider must send people back to an address "
            "that it knows. Set COUNTERSIGN_DASHBOARD__ADDRESS to the one that people type, like "
            "https://desk.example.com.",
            "dashboard.sign_in",
            "dashboard.host",
        )
