"""What is written about the desk agrees with the desk."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.__main__ import _WORDS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
DOCUMENTED = ("quant", "trading", "warehouse", "ledger")
# Kept whole from their makers, or listing what may not stand elsewhere.
_FOREIGN = ("quality/static/vendor/", "tests/unit/docs/")
_REGISTRY = re.compile(
    r"(pypi|pythonhosted|npmjs|proxy\.golang|repo\.maven|conda\.anaconda|artifactory|nexus)"
    r"[\w.-]*\.(org|com|io|net)",
    re.IGNORECASE,
)
_MACHINE = re.compile(r"(?<![\w.])/(work|home|Users|root)/[\w.]+")


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("Needs a git checkout: only committed files are judged.")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def written() -> Iterator[tuple[str, str]]:
    for name in tracked():
        if not name.startswith(_FOREIGN):
            try:
                yield name, (ROOT / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture


def public(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        yield f"{prefix}.{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from public(node.body, f"{prefix}.{node.name}")


@pytest.mark.parametrize("room", DOCUMENTED)
def test_every_public_function_and_class_has_a_docstring(room: str) -> None:
    bare = [
        name
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts
        for name, node in public(
            ast.parse(path.read_text(encoding="utf-8")).body,
            path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."),
        )
        if not ast.get_docstring(node)  # type: ignore[arg-type]  # public() yields only what can have one
    ]

    assert bare == []


def test_every_command_is_named_in_the_readme_or_the_runbook() -> None:
    told = (ROOT / "README.md").read_text() + (DOCS / "runbook.md").read_text()

    assert [word for word in _WORDS if f"./desk {word}" not in told] == []


def test_no_command_is_named_that_does_not_exist() -> None:
    known = {*_WORDS, "test", "lint", "lock"}
    named = {
        (path.name, word)
        for path in [ROOT / "README.md", *DOCS.glob("*.md")]
        for word in re.findall(r"\./desk ([a-z][a-z-]*)", path.read_text())
    }

    assert [(page, word) for page, word in sorted(named) if word not in known] == []


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "adr" / "README.md").read_text()

    for decision in sorted((DOCS / "adr").glob("0*.md")):
        assert f"({decision.name})" in listed, decision.name


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        (page.name, target)
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_words_of_the_glossary_are_sorted() -> None:
    lines = (DOCS / "glossary.md").read_text().splitlines()
    words = [line.split("|")[1].strip() for line in lines if line.startswith("| ")][1:]
    spelled = [word.replace("_", " ").lower() for word in words]

    assert spelled == sorted(spelled)


def test_the_architecture_names_every_room() -> None:
    told = (DOCS / "architecture.md").read_text()

    for room in sorted(path.parent.name for path in ROOT.glob("*/__init__.py")):
        assert room == "tests" or room in told, room


def test_no_file_names_a_package_registry() -> None:
    assert [
        (name, m.group()) for name, text in written() for m in [_REGISTRY.search(text)] if m
    ] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert [
        (name, m.group()) for name, text in written() for m in [_MACHINE.search(text)] if m
    ] == []


def test_no_notes_are_left_lying_about() -> None:
    assert [name for name in tracked() if re.search(r"(^|/)\d\d_[^/]*\.txt$", name)] == []
