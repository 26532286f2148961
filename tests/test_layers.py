"""Rules of the house that no tool of `make check` knows (docs/architecture.md)."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

OURS = [path for folder in ("reviewqueue", "config") for path in sorted((ROOT / folder).rglob("*.py"))]
CODE = [path for path in OURS if "migrations" not in path.parts]
SETTINGS = ROOT / "config/settings.py"
CONFIGURATION = ROOT / "docs/configuration.md"

# Names that say nothing about what is inside.
NAMELESS = {"utils", "util", "services", "service", "helpers", "helper", "tasks", "task", "common", "misc", "manager"}


def offenders(find: Callable[[Path], object], files: list[Path] = CODE) -> dict[str, object]:
    """{file: what is wrong in it}"""
    return {str(path.relative_to(ROOT)): found for path in files if (found := find(path))}


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in _nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_there_is_something_to_look_at():
    assert len(CODE) > 60


def test_no_model_saves_in_its_own_way():
    """What happens on a write stands in the action, where it can be read."""
    own = {"save", "delete", "bulk_create", "save_base"}
    assert offenders(lambda path: own & {function.name for function in _functions(path)}) == {}


def test_nothing_happens_by_signal():
    """Not Django's: those of the operating system are how a process is told to end."""
    signals = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed", "request_finished", "got_request"}

    def used(path: Path) -> set[str]:
        names = {node.attr for node in _nodes(path) if isinstance(node, ast.Attribute)}
        names |= {node.id for node in _nodes(path) if isinstance(node, ast.Name)}
        return names & signals | {module for module in _imported(path) if module.endswith((".signals", ".dispatch"))}

    assert offenders(used) == {}


def _imported(path: Path) -> set[str]:
    nodes = list(_nodes(path))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_imports_stand_at_the_top():
    def inside(path: Path) -> list[str]:
        nodes = [node for function in _functions(path) for node in ast.walk(function)]
        return [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]

    assert offenders(inside) == {}


def test_every_file_and_folder_has_a_name():
    def nameless(path: Path) -> set[str]:
        return {part.removesuffix(".py") for part in path.relative_to(ROOT).parts} & NAMELESS

    assert offenders(nameless, OURS) == {}


def test_a_view_leaves_refusals_alone():
    """One place answers a Refused; a door that catches it hides it. Not so a batch, where one stops no other."""
    doors = [path for path in CODE if {"api", "desk", "board"} & set(path.parts)]

    def catches(path: Path) -> bool:
        caught = [node.type for node in _nodes(path) if isinstance(node, ast.ExceptHandler) and node.type]
        return any("Refused" in ast.unparse(kind) for kind in caught)

    assert set(offenders(catches, doors)) <= {"reviewqueue/api/views.py"}


def test_nothing_is_left_to_do():
    assert offenders(lambda path: re.findall(r"\b(?:TODO|FIXME|XXX)\b|breakpoint\(", path.read_text())) == {}


# --- Settings -------------------------------------------------------------------------------------------------


def _environment() -> set[str]:
    """Every variable that the settings read: env.str("NAME", …) and the like."""
    calls = [node for node in _nodes(SETTINGS) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if ast.unparse(call.func).startswith(("env.", "os.environ"))
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def _documented() -> set[str]:
    """The names in the first column of the page's table."""
    rows = re.findall(r"^\|([^|]+)\|", CONFIGURATION.read_text(), flags=re.M)
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}


def test_every_knob_is_documented():
    if not CONFIGURATION.exists():
        pytest.skip("docs/configuration.md is not written yet")
    assert len(_environment()) > 10
    assert _environment() - _documented() == set(), "not in docs/configuration.md"


def test_every_documented_knob_is_one():
    """In the settings, or where somebody starts the servers."""
    elsewhere = " ".join(
        path.read_text() for path in (*(ROOT / "config").rglob("*.py"), ROOT / "Makefile", ROOT / "manage.py")
    )
    unknown = {name for name in _documented() - _environment() if name not in elsewhere}
    assert unknown == set(), "in docs/configuration.md, and nowhere else"


def test_every_knob_has_its_comment():
    lines = SETTINGS.read_text().splitlines()
    bare = []
    for name in _environment():
        at = next(number for number, line in enumerate(lines) if f'"{name}"' in line)
        while at and not lines[at].lstrip().startswith("#") and lines[at].strip():
            at -= 1
        if not lines[at].lstrip().startswith("#"):
            bare.append(name)
    assert bare == []


def test_only_the_settings_read_the_environment():
    """A knob that is read elsewhere is found by nobody. config/ starts servers and may; our code may not."""
    ours = [path for path in CODE if "reviewqueue" in path.parts and "client" not in path.parts]
    assert offenders(lambda path: re.findall(r"os\.(?:environ|getenv)", path.read_text()), ours) == {}
