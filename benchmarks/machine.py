"""What was measured on what: the machine, and the versions of everything."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.processes import Cores, memory_bytes
from benchmarks.servers.node import Peers

_PYTHON_PACKAGES: Final = (
    "strawberry-graphql", "graphql-core", "aiodataloader", "sqlalchemy", "asyncpg", "orjson", "starlette", "uvicorn",
    "uvloop", "httptools",
)  # fmt: skip
_NPM_PACKAGES: Final = ("postgraphile", "mercurius", "fastify", "graphql", "pg")
_ROOT: Final = Path(__file__).parents[1]


def describe(cores: Cores, others: float) -> list[str]:
    """Sentences about the machine, and how it was used; `others` is what other processes took of it."""
    memory = f"{memory_bytes() / 2**30:.0f} GB"
    system = _field(Path("/etc/os-release"), "PRETTY_NAME=") or platform.system()
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, revision {_revision()}.",
        f"{_processor()}, {os.cpu_count()} cores, {memory}; {system}, Linux {platform.release()}.",
        f"Cores: {cores}. Other processes of the machine used {others:.2f} cores meanwhile.",
    ]


def versions(postgres: str, peers: Peers | None) -> list[str]:
    """The versions of what runs, a sentence for each side."""
    python = ", ".join(f"{name} {version(name)}" for name in _PYTHON_PACKAGES)
    found = [f"PostgreSQL {postgres}.", f"Python {platform.python_version()}: {python}."]
    if peers is not None:
        node = ", ".join(f"{name} {peers.version(name)}" for name in _NPM_PACKAGES)
        found.append(f"Node {peers.node_version}: {node}.")
    return found


def _processor() -> str:
    return _field(Path("/proc/cpuinfo"), "model name\t: ") or platform.machine()


def _field(file: Path, name: str) -> str | None:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    return next((line.removeprefix(name).strip('"') for line in lines if line.startswith(name)), None)


def _revision() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    try:
        head = _git(git, "rev-parse", "--short", "HEAD")
        changed = _git(git, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} with changes" if changed else head


def _git(git: str, *arguments: str) -> str:
    answer = subprocess.run([git, *arguments], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return answer.stdout.strip()
