"""How alerts reach people, and the rules a desk watches from its first start."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from config.addresses import Port
from config.documents import ROOT, Frozen, document, validated
from config.errors import DisagreementError

ChannelName = Literal["webhook", "email"]


class AlertSettings(Frozen):
    """The section `alerts`; a channel without an address is not used."""

    channels: tuple[ChannelName, ...] = ("webhook", "email")  # in the order of escalation
    severity: Literal["note", "warning", "critical"] = "warning"  # the least that leaves the desk
    escalate_minutes: Annotated[float, Field(gt=0)] = 10.0  # wall time unacknowledged, each step
    webhook_url: str = Field(default="", repr=False)  # secret: whoever knows it may post
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()

    @field_validator("channels", "mail_to", mode="before")
    @classmethod
    def _listed(cls, told: Any) -> Any:
        """Take `a,b` for a list: a variable has no other way to say one."""
        if isinstance(told, str):
            return [word.strip() for word in told.split(",") if word.strip()]
        return told

    @field_validator("webhook_url")
    @classmethod
    def _is_web_address(cls, told: str) -> str:
        if told and (urlsplit(told).scheme not in {"http", "https"} or not urlsplit(told).netloc):
            raise ValueError("an address that begins with https://")
        return told

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {
            "SMTP_HOST": self.smtp_host,
            "MAIL_FROM": self.mail_from,
            "MAIL_TO": ",".join(self.mail_to),
        }
        missing = [f"COUNTERSIGN_ALERTS__{name}" for name, value in given.items() if not value]
        if 0 < len(missing) < len(given):
            raise DisagreementError(
                f"Alerts by e-mail need a server, a sender and a receiver. Set "
                f"{' and '.join(missing)}, or none of the three.",
                "alerts.smtp_host",
            )
        return self

    @property
    def configured(self) -> tuple[ChannelName, ...]:
        """The channels that have an address, in the order of escalation."""
        reachable = {"webhook": bool(self.webhook_url), "email": bool(self.smtp_host)}
        return tuple(name for name in self.channels if reachable[name])


class BuiltInRule(Frozen):
    """A rule of the file; see `trading.alerting.Rule`."""

    measure: str
    subject: str = ""
    comparison: Literal["above", "below"]
    threshold: Decimal
    severity: Literal["note", "warning", "critical"] = "warning"
    reason: Annotated[str, Field(min_length=20)]


class BuiltInRules(Frozen):
    """The rules by name."""

    rules: dict[str, BuiltInRule]


def load(path: Path = ROOT / "alert_rules.toml") -> BuiltInRules:
    """Return the built-in rules.

    Raises
    ------
    SettingsError
        Naming the file, the key, its value and what is allowed.
    """
    return validated(BuiltInRules, document(path), {}, str(path))
