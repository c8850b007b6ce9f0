"""TOML files into frozen models, with errors a person can act on."""

import stat
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.errors import DisagreementError, SettingsError, missing_file, unreadable

ROOT = Path(__file__).resolve().parent
"""The folder that holds the committed TOML files."""

DERIVED = frozenset({"home", "build"})
"""Top-level keys that follow from elsewhere and that nobody may set."""

M = TypeVar("M", bound=BaseModel)

# What pydantic says of these is true, but not what a person would say.
_WANTED = {
    "missing": "a value for it",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "decimal_parsing": "a number",
    "decimal_type": "a number",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_parsing": "a date, YYYY-MM-DD",
    "date_parsing": "a date, YYYY-MM-DD",
    "date_from_datetime_inexact": "a date, YYYY-MM-DD",
    "date_type": "a date, YYYY-MM-DD",
    "string_type": "a text",
    "string_too_short": "at least {min_length} characters",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}


class Frozen(BaseModel):
    """A model that cannot change and knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def document(path: Path) -> dict[str, Any]:
    """Return the TOML document at `path`; decimals are kept exact."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise missing_file(path) from e
    except OSError as e:
        raise unreadable(path, e) from e
    except UnicodeDecodeError as e:
        raise SettingsError(
            f"The file {path} is not text in UTF-8 (byte {e.start} is {e.object[e.start]:#04x}). "
            "Save it as UTF-8 without a byte order mark.",
            source=str(path),
        ) from e
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as e:
        raise SettingsError(
            f"The file {path} is not valid TOML: {e}. Correct that line; a text stands in quotes, "
            "a section in brackets.",
            source=str(path),
        ) from e


def validated(
    model: type[M], values: Mapping[str, Any], sources: Mapping[str, str], where: str
) -> M:
    """Return `values` as `model`, or raise a `SettingsError` about the first wrong key.

    Parameters
    ----------
    model : type of a pydantic model
        What is wanted.
    values : mapping
        Nested, as parsed.
    sources : mapping
        Dotted key to the file or variable that set it.
    where : str
        Named when `sources` does not know the key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as e:
        raise _explained(e, model, sources, where) from None


def is_private(path: Path) -> bool:
    """Return whether nobody but the owner can read the file."""
    return not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _explained(
    error: ValidationError, model: type[BaseModel], sources: Mapping[str, str], where: str
) -> SettingsError:
    found = error.errors(include_url=False)
    # A misspelt key is unknown and missing at once: the unknown one tells more.
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    key = ".".join(str(part) for part in first["loc"])
    source = sources.get(key, where)
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, DisagreementError):
        said = f"{cause}{_set_where(cause.keys, sources)}"
    elif first["type"] == "extra_forbidden":
        said = f"Unknown key `{key}` in {source}. Known here: {', '.join(_siblings(model, key))}."
    else:
        said = f"{_came(key, source, first)} Wanted: {_wanted(first)}."
    return SettingsError(said, source=source, key=key)


def _set_where(keys: Sequence[str], sources: Mapping[str, str]) -> str:
    told = [f"`{key}` is set in {sources[key]}" for key in keys if key in sources]
    return f" ({'; '.join(told)}.)" if told else ""


def _came(key: str, source: str, error: ErrorDetails) -> str:
    value = error["input"]
    if error["type"] == "missing":
        return f"`{key}` is missing in {source}."
    if isinstance(value, dict):  # never repeated: it may hold secrets
        return f"`{key}` in {source} is wrong." if key else f"The values in {source} do not agree."
    if _is_secret(key):
        return f"`{key}` in {source} is wrong (its value is not shown)."
    return f"`{key}` was {_shown(value)} in {source}."


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _wanted(error: ErrorDetails) -> str:
    told = _WANTED.get(error["type"])
    if told is not None:
        return told.format(**error.get("ctx", {}))
    return error["msg"].removeprefix("Value error, ").removeprefix("Input should be ").rstrip(".")


def _is_secret(key: str) -> bool:
    name = key.rsplit(".", 1)[-1]
    return name in {
        "access_key", "secret_key", "key_id", "oidc_client_secret", "dsn", "webhook_url",
        "smtp_password",
    }  # fmt: skip


def _siblings(model: type[BaseModel], key: str) -> list[str]:
    known: type[BaseModel] = model
    for part in key.split(".")[:-1]:
        field = known.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        known = inner
    return sorted(known.model_fields.keys() - DERIVED)
