"""The embedded server: one PostgreSQL per data folder, run by one process and borrowed by the others."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.postgres.cluster import ROOTS_FOLDER, Cluster
from gateway.postgres.errors import PostgresError
from gateway.postgres.programs import find_programs
from gateway.postgres.urls import PORT, DatabaseUrls, socket_urls

PARAMETERS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",  # loading a million resources should not checkpoint all the time
    "wal_level": "minimal",  # nobody replicates from a server without TCP
    "max_wal_senders": "0",
    "dynamic_shared_memory_type": "sysv",  # a container's /dev/shm is small
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # statements hold what callers sent
    "log_checkpoints": "off",
}

POLL_SECONDS = 0.02
BORROW_SECONDS = 60.0  # for another process to start the server
OWN_SECONDS = 5.0  # for a short command to end
LINGER_SECONDS = 10.0  # for borrowers to finish
START_SECONDS = 300.0  # after a crash the server first replays its log
STOP_SECONDS = 60.0
PR_SET_PDEATHSIG = 1

_log = logging.getLogger("gateway.postgres")


class EmbeddedPostgres:
    """The PostgreSQL server of a data folder, for use as a context manager.

    The first process to start it owns it: the server ends with that process, however the process ends. A process that
    comes later borrows it by its socket. `parameters` add to, or replace, the server's configuration.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        pg_bin: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        roots_folder: Path = ROOTS_FOLDER,
    ) -> None:
        self._data_dir = data_dir
        self._pg_bin = pg_bin
        self._parameters = PARAMETERS | dict(parameters or {})
        self._roots_folder = roots_folder
        self._locks = ExitStack()
        self._cluster: Cluster | None = None
        self._socket_folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._urls: DatabaseUrls | None = None

    @property
    def urls(self) -> DatabaseUrls:
        """The addresses of the database, once started."""
        if self._urls is None:
            raise RuntimeError("The embedded server is not started.")
        return self._urls

    @property
    def pid(self) -> int | None:
        """The server's process id, if this process owns it."""
        return self._process.pid if self._process else None

    def start(self, *, borrow: bool = True) -> None:
        """Starts the server, or finds the one that another process runs, if `borrow`; makes the data the first time.

        Raises:
            PostgresError: it cannot start, or another process runs it and it is not to be borrowed.
        """
        if sys.platform != "linux":
            raise PostgresError("The embedded PostgreSQL runs on Linux only; set DATABASE_URL to one of yours.")
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("The server ends with the thread that starts it: start it from the main one.")
        cluster = Cluster(self._data_dir, roots_folder=self._roots_folder)
        give_up_at = time.monotonic() + (BORROW_SECONDS if borrow else OWN_SECONDS)
        try:
            while not self._own(cluster) and not (borrow and self._borrow(cluster)):
                if time.monotonic() > give_up_at:
                    raise PostgresError(
                        f"Another process uses the data folder {self._data_dir}; stop it, or give another --data-dir."
                    )
                time.sleep(POLL_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the server if this process owns it: waits a little for borrowers, then writes everything to disk."""
        if self._process is not None and self._cluster is not None:
            give_up_at = time.monotonic() + LINGER_SECONDS
            while not (last := self._cluster.end_borrowing()) and time.monotonic() < give_up_at:
                time.sleep(POLL_SECONDS)
            if last is not None:
                self._locks.enter_context(last)
            _end(self._process)
            self._process = None
            if self._socket_folder is not None:
                self._cluster.remove_socket_folder(self._socket_folder)
        self._locks.close()
        self._urls = None

    def remove(self) -> None:
        """Removes the data, and with it every row.

        Raises:
            PostgresError: a server runs on it.
        """
        cluster = Cluster(self._data_dir, roots_folder=self._roots_folder)
        lock = cluster.own()
        if lock is None:
            raise PostgresError(f"Another process uses the data folder {self._data_dir}; stop it first.")
        with lock:
            _wait_for_predecessor(cluster)
            cluster.remove_data()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _borrow(self, cluster: Cluster) -> bool:
        """Finds the server that another process runs, and keeps that one from stopping it."""
        lock = cluster.borrow()
        if lock is None:
            return False
        server = cluster.listening()
        if server is None:
            lock.close()
            return False
        self._locks.enter_context(lock)
        self._urls = socket_urls(server.socket_folder)
        return True

    def _own(self, cluster: Cluster) -> bool:
        """Starts the server, unless another process owns the cluster."""
        lock = cluster.own()
        if lock is None:
            return False
        self._locks.enter_context(lock)
        self._cluster = cluster
        programs = cluster.programs(find_programs(self._pg_bin))
        _wait_for_predecessor(cluster)
        cluster.initialise(programs)
        socket_folder = self._socket_folder = cluster.socket_folder()
        arguments = [programs.path("postgres"), "-D", str(cluster.data)]
        for name, value in (self._parameters | {"unix_socket_directories": str(socket_folder)}).items():
            arguments += ["-c", f"{name}={value}"]
        with cluster.log_file.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                arguments,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a terminal's Ctrl-C is for the gateway, which stops the server last
                preexec_fn=_die_with_parent(),
                **cluster.user.spawn_options,
            )
        self._wait_until_ready(cluster, self._process)
        self._urls = socket_urls(socket_folder)
        _log.info(
            "Started the embedded PostgreSQL %s in %s; it is for this one machine, set DATABASE_URL to go further",
            programs.version,
            cluster.home,
        )
        return True

    def _wait_until_ready(self, cluster: Cluster, process: subprocess.Popen[bytes]) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            server = cluster.postmaster()
            if server is not None and server.pid == process.pid and server.is_ready:
                return
            if process.poll() is not None:
                raise PostgresError(f"The embedded PostgreSQL did not start: {_last_words(cluster.log_file)}")
            if time.monotonic() > give_up_at:
                raise PostgresError(
                    f"The embedded PostgreSQL is not ready after {START_SECONDS:g} s: {cluster.log_file}"
                )
            time.sleep(POLL_SECONDS)


def _die_with_parent() -> Callable[[], None]:
    """What the child does before it becomes the server: asks for SIGINT at its parent's death.

    It runs after the change of user, which would undo it.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        if prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(1)

    return ask


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)  # at once; the next start recovers
        process.wait()


def _wait_for_predecessor(cluster: Cluster) -> None:
    """Waits for the server of an owner that was killed: it is writing everything to disk."""
    server = cluster.postmaster()
    if server is None:
        return
    asked_at = time.monotonic()
    signals = [(STOP_SECONDS / 2, signal.SIGINT), (STOP_SECONDS, signal.SIGQUIT)]
    while cluster.is_running(server.pid):
        waited = time.monotonic() - asked_at
        if signals and waited > signals[0][0]:
            os.kill(server.pid, signals.pop(0)[1])
        if waited > 2 * STOP_SECONDS:
            raise PostgresError(f"An earlier server, process {server.pid}, still runs in {cluster.home}; stop it.")
        time.sleep(POLL_SECONDS)
    if Path(f"/proc/{server.pid}").exists():
        # The number is another process's by now, as after a container's restart: PostgreSQL would refuse to start.
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)


def _last_words(log_file: Path) -> str:
    """What a server that did not start gave as the reason."""
    lines = log_file.read_text(errors="replace").splitlines()
    reasons = [line for line in lines if "FATAL" in line or "ERROR" in line]
    return (reasons or lines or ["it wrote nothing"])[-1]
