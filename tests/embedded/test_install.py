"""The locks, and the script that makes .venv from them."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = {path.stem: path.read_text() for path in (ROOT / "requirements").glob("*.txt")}
PIN = re.compile(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """The script, at work on a .venv elsewhere and without pip; `done` is what it would have installed."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements/install.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.done = []
    monkeypatch.setattr(script, "VENV", str(tmp_path))
    monkeypatch.setattr(script, "make_venv", lambda: None)
    monkeypatch.setattr(script, "pip", lambda *arguments, **_: script.done.append(Path(arguments[-1]).name))
    return script


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(LOCKS[lock]):
        found.setdefault(name, set()).add(version)
    return found


def name(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


def test_there_are_three():
    assert sorted(LOCKS) == ["dev", "run", "servers"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_hashes_everything(lock):
    assert not re.search(r"://|--index|--extra|--find-links|--trusted| @ ", LOCKS[lock])
    for block in re.split(r"\n(?=\S)", LOCKS[lock]):
        assert block.startswith("#") or "--hash=sha256:" in block, block


def test_the_lock_for_the_tests_holds_the_one_for_running():
    run, dev = pins("run"), pins("dev")
    assert {package: dev.get(package) for package in run} == run


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert {name(asked) for asked in project["dependencies"] + extras["embedded"]} <= set(pins("run"))
    assert {name(asked) for asked in extras["dev"]} <= set(pins("dev"))


def test_nothing_is_installed_twice(install):
    install.install("run")
    assert install.done == ["servers.txt", "run.txt", ROOT.name]
    install.install("run")
    assert len(install.done) == 3
    install.install("dev")
    assert install.done[3:] == ["dev.txt"]
    install.install("run")
    install.install("dev")
    assert len(install.done) == 4


def test_an_installation_that_broke_off_is_not_taken_for_one(install, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(install, "pip", fail)
        with pytest.raises(KeyboardInterrupt):
            install.install("run")
    install.install("run")
    assert install.done == ["servers.txt", "run.txt", ROOT.name]


def test_an_old_python_is_told(install, monkeypatch):
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed.*is 3\.9"):
        install.main("run")
