"""A hash of the code that computes features: it changes with what could change a value."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

# Everything between a panel and its values. What the figures are is told by their expressions.
MODULES: Final = (
    "jit", "scans", "windows", "features.across", "features.checks", "features.compute",
    "features.expressions", "features.interpreter", "features.leaves", "features.minutes",
    "features.panel", "features.pointwise", "features.program",
)  # fmt: skip
_QUANT: Final = Path(__file__).parent.parent


@cache
def code_stamp() -> str:
    """Return the hash of `MODULES` as they are installed."""
    paths = (_QUANT.joinpath(*name.split(".")).with_suffix(".py") for name in MODULES)
    return stamp_of(path.read_text(encoding="utf-8") for path in paths)


def stamp_of(sources: Iterable[str]) -> str:
    """Return a hash of sources' code: comments, docstrings and layout do not count."""
    text = "\n".join(ast.unparse(_without_docstrings(ast.parse(source))) for source in sources)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree
