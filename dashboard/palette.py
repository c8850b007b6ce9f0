"""The theme's colours for figures, read from the one file in which they stand."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

_THEME = Path(__file__).resolve().parents[1] / ".streamlit" / "config.toml"
_STEEL = {"light": "#6B7785", "dark": "#8B97A5"}


@dataclass(frozen=True)
class Palette:
    """Colours by role, as CSS values."""

    page: str
    panel: str
    text: str
    muted: str
    line: str
    action: str
    up: str
    down: str
    care: str
    model: str
    replay: str
    price: str

    @property
    def series(self) -> tuple[str, str, str, str]:
        """The order in which series are coloured: ink, teal, amber, violet."""
        return (self.text, self.up, self.care, self.replay)


@cache
def of(kind: str) -> Palette:
    """Colours of the theme `kind`, ``light`` or ``dark``."""
    theme = tomllib.loads(_THEME.read_text(encoding="utf-8"))["theme"][kind]
    return Palette(
        page=theme["backgroundColor"],
        panel=theme["secondaryBackgroundColor"],
        text=theme["textColor"],
        muted=theme["grayColor"],
        line=theme["borderColor"],
        action=theme["primaryColor"],
        up=theme["greenColor"],
        down=theme["redColor"],
        care=theme["orangeColor"],
        model=theme["blueColor"],
        replay=theme["violetColor"],
        price=_STEEL[kind],
    )


def current() -> Palette:
    """Colours of the theme the reader has on."""
    return of("dark" if st.context.theme.type == "dark" else "light")


def faint(colour: str, *, share: float = 0.15) -> str:
    """`colour` at `share` of its strength, for areas and bands."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"
