"""A version of features names the code that computes them."""

import ast
from pathlib import Path

import pytest

import quant
from quant.features.code_stamp import MODULES, stamp_of

FOLDER = Path(quant.__file__).parent
# What the figures are, which a version tells by itself, and what computes nothing.
DEFINITIONS = {
    f"features.{name}"
    for name in (
        "daily", "intraday", "registry", "code_stamp", "terms", "market_features",
        "pattern_features", "price_features", "spread_features", "trend_features",
        "volatility_features", "volume_features",
    )
} | {"typing"}  # fmt: skip

SOURCE = '''
"""What it is."""

def twice(x: float) -> float:
    """Double x."""
    return 2.0 * x  # of x
'''


def stamp(source: str) -> str:
    return stamp_of([source])


def test_words_about_code_are_not_code() -> None:
    said = SOURCE.replace("What it is.", "").replace("Double x.", "Twice x.").replace("of x", "")

    assert stamp(said) == stamp(SOURCE)
    assert stamp(SOURCE.replace("2.0 * x", "(2.0\n        * x)")) == stamp(SOURCE)


@pytest.mark.parametrize(("was", "now"), [("2.0", "2.5"), ("* x", "+ x"), ("twice", "double")])
def test_another_number_sign_or_name_is_other_code(was: str, now: str) -> None:
    assert stamp(SOURCE.replace(was, now)) != stamp(SOURCE)


def test_a_string_that_is_used_is_code() -> None:
    assert stamp("mode = 'exact'") != stamp("mode = 'quick'")


def test_the_stamp_is_of_every_module_that_values_pass_through() -> None:
    found, waiting = set[str](), ["features.compute", "features.minutes"]
    while waiting:
        name = waiting.pop()
        if name not in found | DEFINITIONS:
            found.add(name)
            waiting += _imported(name)

    assert found == set(MODULES)


def _path(name: str) -> Path:
    return FOLDER.joinpath(*name.split(".")).with_suffix(".py")


def _imported(name: str) -> list[str]:
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    told = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "quant"
    ]
    modules = []
    for node in told:
        module = (node.module or "").removeprefix("quant").removeprefix(".")
        names = [f"{module}.{alias.name}".removeprefix(".") for alias in node.names]
        modules += [one for one in names if _path(one).exists()] or [module]
    return modules
