# ruff: noqa: UP031, UP036, RUF005, S603
"""Makes .venv from the locks beside this file: python3 requirements/install.py run|dev

Does nothing when .venv already holds what they say. Plain enough for an old Python to reach the sentence which
says that it is too old.
"""

import hashlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")


def main(kind):
    if sys.version_info < (3, 11):
        sys.exit(
            "Python 3.11 or newer is needed, and %s is %d.%d. With a newer one installed: make PYTHON=python3.12 up"
            % (sys.executable, sys.version_info[0], sys.version_info[1])
        )
    import fcntl  # noqa: PLC0415 - only after the sentence above, which should come first on any system

    # A second make in this checkout waits here for the first one's .venv.
    fcntl.flock(os.open(HERE, os.O_RDONLY), fcntl.LOCK_EX)
    try:
        install(kind)
    except subprocess.CalledProcessError as failure:
        sys.exit("Setting up .venv failed, the reason is above. The command was: " + " ".join(failure.cmd))


def install(kind):
    make_venv()
    step("servers", digest("servers.txt"), "PostgreSQL and Redis", install_servers)
    # The lock for the tests holds everything of the one for running, at the same versions.
    if kind == "dev" or not current("dev", digest("dev.txt")):
        step(kind, digest(kind + ".txt"), "requirements/%s.txt" % kind, lambda: install_packages(kind))
    step("project", digest("../pyproject.toml"), "the reviewqueue command", install_project)


def make_venv():
    """A .venv that was moved, or whose Python has changed, is made anew."""
    made_for = "%s %d.%d" % ((VENV,) + sys.version_info[:2])
    works = os.path.exists(PYTHON) and subprocess.call([PYTHON, "-c", ""], stderr=subprocess.DEVNULL) == 0
    if works and current("venv", made_for):
        return
    say("Making .venv with %s" % sys.executable)
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", VENV])
    mark("venv", made_for)


def install_servers():
    target = "--target=" + os.path.join(VENV, "servers")
    any_python = "--python-version=3.12"
    pip("--upgrade", target, "--only-binary=:all:", any_python, "--no-deps", "-r", lock("servers.txt"))


def install_packages(kind):
    pip("-r", lock(kind + ".txt"))


def install_project():
    pip("--no-build-isolation", "--no-deps", "--editable", ROOT, hashes=False)


def pip(*arguments, **options):
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--progress-bar=off"]
    if options.get("hashes", True):
        command.append("--require-hashes")
    subprocess.check_call(command + list(arguments), cwd=ROOT)


def step(name, version, what, act):
    if current(name, version):
        return
    say("Installing %s into .venv" % what)
    act()
    mark(name, version)


def current(name, version):
    try:
        with open(stamp(name)) as file:
            return file.read() == version
    except OSError:
        return False


def mark(name, version):
    with open(stamp(name), "w") as file:
        file.write(version)


def stamp(name):
    return os.path.join(VENV, ".installed-" + name)


def digest(name):
    with open(lock(name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def lock(name):
    return os.path.join(HERE, name)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
