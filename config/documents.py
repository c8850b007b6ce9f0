"""TOML files into frozen models, with errors a person can act on."""

import stat
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.errors import SettingsError, missing_file

ROOT = Path(__file__).resolve().parent
"""The folder that holds the committed TOML files."""

M = TypeVar("M", bound=BaseModel)


class Frozen(BaseModel):
    """A model that cannot change and knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def document(path: Path) -> dict[str, Any]:
    """Return the TOML document at `path`; decimals are kept exact."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise missing_file(path) from e
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as e:
        raise SettingsError(f"The file {path} is not valid TOML: {e}.", source=str(path)) from e


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
    if first["type"] == "extra_forbidden":
        return SettingsError(
            f"Unknown key `{key}` in {source}. Known here: {', '.join(_siblings(model, key))}.",
            source=source,
            key=key,
        )
    return SettingsError(
        f"{_came(key, first)} in {source}. Wanted: {_wanted(first['msg'])}.",
        source=source,
        key=key,
    )


def _came(key: str, error: ErrorDetails) -> str:
    value = error["input"]
    if error["type"] == "missing":
        return f"`{key}` is missing"
    if isinstance(value, dict):  # keys that do not agree; the values may hold secrets
        return f"`{key}` is incomplete" if key else "The settings do not agree"
    return f"`{key}` was {'(not shown)' if _is_secret(key) else repr(value)}"


def _wanted(message: str) -> str:
    plain = message.removeprefix("Value error, ").removeprefix("Input should be ").rstrip(".")
    return "a value for it" if plain == "Field required" else plain


def _is_secret(key: str) -> bool:
    return key.rsplit(".", 1)[-1] in {"access_key", "secret_key", "key_id", "dsn"}


def _siblings(model: type[BaseModel], key: str) -> list[str]:
    known: type[BaseModel] = model
    for part in key.split(".")[:-1]:
        field = known.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        known = inner
    return sorted(known.model_fields)
