"""A server's process: started on its core, waited for, and ended with the benchmark, however that ends."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.dialects import Dialect
from benchmarks.load import ask, http_request
from benchmarks.processes import Cores, reset_peak
from benchmarks.queries import Query

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
_PR_SET_PDEATHSIG: Final = 1
_OURS: Final = ("ITCARE_", "DATABASE_", "PG", "BENCH_", "NODE_", "PYTHON")


class ServerFailed(Exception):
    """A server does not run; the message is its own reason, where it gave one."""


@dataclass(frozen=True)
class ServerPlan:
    """How to run a server, and how to ask it."""

    name: str
    title: str
    dialect: Dialect
    command: Callable[[int], Sequence[str]]
    """The command line for a port."""
    environment: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    plan: ServerPlan
    pid: int
    port: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.plan.name

    @property
    def dialect(self) -> Dialect:
        """How it is asked."""
        return self.plan.dialect

    def request(self, query: Query, variant: int) -> bytes:
        """A request, in full."""
        return self.wrap(self.dialect.body(query, variant))

    def wrap(self, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """A request with that body, in full."""
        return http_request(self.port, body, {**self.plan.headers, **(headers or {})})

    def ask(self, query: Query, variant: int) -> bytes:
        """Ask once; the body of the answer."""
        return ask(self.port, self.request(query, variant))


@contextmanager
def running(plan: ServerPlan, cores: Cores, log_folder: Path) -> Iterator[Server]:
    """Run a server and end it afterwards.

    Raises:
        ServerFailed: it does not start.
    """
    port = _free_port()
    log_folder.mkdir(parents=True, exist_ok=True)
    log = log_folder / f"{plan.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            plan.command(port),
            env=_clean_environment() | dict(plan.environment) | {"PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the benchmark, which ends its servers in order
            preexec_fn=_prepare(cores.server),
        )
    try:
        _wait_until_open(process, port, plan.name, log)
        reset_peak(process.pid)
        yield Server(plan, process.pid, port)
    finally:
        _end(process)


def _prepare(cores: frozenset[int]) -> Callable[[], None]:
    """What the child does before it becomes the server: takes its core, and asks to end when its parent does."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        if prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(1)

    return prepare


def _clean_environment() -> dict[str, str]:
    """The caller's environment without what would configure a server beside its plan."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_until_open(process: "subprocess.Popen[bytes]", port: int, name: str, log: Path) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    words = log.read_text(errors="replace").strip().splitlines()
    raise ServerFailed(f"The server {name} did not start: {words[-1] if words else 'it said nothing'}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
