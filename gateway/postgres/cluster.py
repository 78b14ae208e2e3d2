"""The cluster's folder: where it is, whose, and which one process owns it.

DATA_DIR/postgres/      or a link to a folder that the server's user can reach
    owner.lock          held by the one process that runs the server
    data/               what initdb makes
    install-18.6/       a copy of the programs, where the server's user cannot reach the originals
    socket/             mode 0700; no TCP: with `trust`, any local user would be a superuser through a port
    server.log
"""

import fcntl
import hashlib
import logging
import os
import re
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gateway.postgres.errors import PostgresError
from gateway.postgres.programs import Programs, packaged_folder
from gateway.postgres.system_user import SystemUser
from gateway.postgres.urls import APP_ROLE, DATABASE, OWNER_ROLE, PORT

ROOTS_FOLDER = Path("/var/lib/itcare-gateway")
"""Where root's clusters go whose data folder `nobody` cannot reach, such as one below /root."""

SHORT_FOLDER = Path("/tmp")  # noqa: S108 - for a socket folder of mode 0700 that must be ours
LONGEST_SOCKET = 107  # bytes: what a Unix socket's address can hold

_log = logging.getLogger("gateway.postgres")


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server as its `postmaster.pid` tells of it."""

    pid: int
    socket_folder: Path
    is_ready: bool


class Cluster:
    """The PostgreSQL cluster of a data folder.

    Raises:
        PostgresError: the folder cannot be used.
    """

    def __init__(self, data_dir: Path, *, roots_folder: Path = ROOTS_FOLDER) -> None:
        self.data_dir = data_dir.absolute()
        try:
            self.home = _home(self.data_dir, roots_folder)
        except OSError as error:
            raise PostgresError(f"The data folder {data_dir} cannot be used: {error.strerror}.") from error
        self.user = SystemUser.for_server(self.home)
        self.user.own(self.home)
        self.data = self.home / "data"
        self.log_file = self.home / "server.log"
        if not os.access(self.home, os.R_OK | os.W_OK | os.X_OK):
            raise PostgresError(f"The data folder {data_dir} belongs to another user; run this as that user.")
        if not self.user.is_caller and not self.user.can_enter(self.home):
            raise PostgresError(f"The server's user, {self.user}, cannot reach {self.home}; open the folders above it.")

    @staticmethod
    def exists(data_dir: Path) -> bool:
        """Whether a cluster was made for this data folder."""
        return os.path.isdir(data_dir / "postgres" / "data")  # noqa: PTH112 - also false where it cannot be seen

    def own(self) -> IO[bytes] | None:
        """Becomes the owner until the returned file is closed or the process ends; None if another process is."""
        return self._lock("owner.lock", fcntl.LOCK_EX)

    def borrow(self) -> IO[bytes] | None:
        """Becomes a borrower, likewise; None if the owner is about to stop the server."""
        return self._lock("borrowers.lock", fcntl.LOCK_SH)

    def end_borrowing(self) -> IO[bytes] | None:
        """Lets nobody borrow any more, likewise; None while somebody does."""
        return self._lock("borrowers.lock", fcntl.LOCK_EX)

    def _lock(self, name: str, kind: int) -> IO[bytes] | None:
        file = (self.home / name).open("ab")
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def postmaster(self) -> Postmaster | None:
        """The server that has, or had, this cluster; None after an orderly end."""
        try:
            # Process id, data folder, start time, port, socket folder, address, shared memory, state.
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return Postmaster(abs(int(lines[0])), Path(lines[4]), is_ready=lines[7].strip() == "ready")
        except FileNotFoundError:
            return None
        except (ValueError, IndexError):  # being written
            return None

    def listening(self) -> Postmaster | None:
        """The server, if it takes connections now."""
        server = self.postmaster()
        if server is None or not server.is_ready:
            return None
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(server.socket_folder / f".s.PGSQL.{PORT}"))
            except OSError:
                return None
        return server

    def is_running(self, pid: int) -> bool:
        """Whether process `pid` is this cluster's server, and not one that got the same number later."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.data
        except OSError:
            return False

    def socket_folder(self) -> Path:
        """Makes the folder for the socket: the cluster's own, or a private one where that one's path is too long.

        Raises:
            PostgresError: the private one's name is taken by somebody else.
        """
        folder = self.home / "socket"
        plain = re.fullmatch(r"[\w./@+-]+", str(folder), re.ASCII) is not None
        if not plain or len(bytes(folder / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET:
            folder = SHORT_FOLDER / f"itcare-{hashlib.sha256(bytes(self.home)).hexdigest()[:16]}"
        if not os.path.lexists(folder):
            folder.mkdir(mode=0o700)
            self.user.own(folder)
        status = folder.lstat()
        if status.st_uid != self.user.uid or status.st_mode & 0o170777 != 0o040700:
            raise PostgresError(f"{folder} is not a private folder of the server's user; remove it.")
        return folder

    def remove_socket_folder(self, folder: Path) -> None:
        """Removes the folder for the socket after the server's end."""
        if folder.parent == SHORT_FOLDER and not any(folder.iterdir()):
            folder.rmdir()

    def programs(self, found: Programs) -> Programs:
        """The programs that the server's user can run: `found`, or a copy of the packaged ones in the cluster's folder.

        Raises:
            PostgresError: it can run none.
        """
        if self.user.can_run(found.path("postgres")):
            return found
        packaged = packaged_folder()
        if found.folder != packaged / "bin":
            raise PostgresError(f"The server's user cannot run the programs in {found.folder} (PG_BIN).")
        copy = self.home / f"install-{found.version}" / packaged.parent.name / packaged.name
        if not copy.is_dir():
            self._copy_programs(packaged, copy.parents[1])
        return Programs(copy / "bin", found.version)

    def _copy_programs(self, packaged: Path, target: Path) -> None:
        for outdated in self.home.glob("install-*"):
            shutil.rmtree(outdated)
        draft = Path(tempfile.mkdtemp(prefix="install-", dir=self.home))
        leave_out = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(packaged, draft / packaged.parent.name / packaged.name, ignore=leave_out, symlinks=True)
        libraries = (
            packaged.parents[1] / f"{packaged.parent.name}.libs"
        )  # the programs look for them beside the package
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            self.user.own(path)
        draft.rename(target)

    def initialise(self, programs: Programs) -> None:
        """Makes the data, whole or not at all, unless it is there: a superuser, the app's role, the database.

        Raises:
            PostgresError: it cannot be made, or is there and of another major version.
        """
        if self.data.is_dir():
            major = int((self.data / "PG_VERSION").read_text())
            if major != programs.major:
                raise PostgresError(
                    f"The data in {self.data_dir} is of PostgreSQL {major}, and {programs.folder} holds"
                    f" {programs.version}. Set PG_BIN to programs of version {major}; to change over, `backup` with"
                    " them and `restore` into a new data folder."
                )
            return
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        self._run([programs.path("initdb"), "-D", str(draft), "-U", OWNER_ROLE, "-A", "trust", *locale])
        statements = f"CREATE ROLE {APP_ROLE} LOGIN;\n\nCREATE DATABASE {DATABASE};\n\n"
        self._run([programs.path("postgres"), "--single", "-j", "-D", str(draft), "postgres"], statements)
        draft.rename(self.data)
        _log.info("Made a new PostgreSQL %s cluster in %s", programs.version, self.home)

    def remove_data(self) -> None:
        """Removes the data, and with it every row."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _run(self, command: list[str], standard_input: str = "") -> None:
        options = self.user.spawn_options
        del options["stdin"]
        answer = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            command, input=standard_input, capture_output=True, text=True, check=False, **options
        )
        if answer.returncode != 0:
            reason = answer.stderr.strip().splitlines()[-1:] or [f"exit code {answer.returncode}"]
            raise PostgresError(f"{Path(command[0]).name} could not make the database in {self.home}: {reason[0]}")


def _home(data_dir: Path, roots_folder: Path) -> Path:
    """The cluster's folder, made if needed, links followed."""
    home = data_dir / "postgres"
    if home.is_symlink() and not home.exists():
        raise PostgresError(f"{home} leads to {home.readlink()}, which is gone; remove the link to begin anew.")
    if home.is_dir():
        return home.resolve()
    user = SystemUser.for_server(None)
    if not data_dir.is_dir():
        data_dir.mkdir(parents=True)
        data_dir.chmod(0o700 if user.is_caller else 0o711)
    if user.is_caller or user.can_enter(data_dir):
        home.mkdir(mode=0o700, exist_ok=True)
        return home.resolve()
    if not roots_folder.is_dir():
        roots_folder.mkdir(parents=True)
        roots_folder.chmod(0o711)
    name = re.sub(r"\W+", "-", data_dir.parent.name, flags=re.ASCII)[:32]
    elsewhere = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=roots_folder))
    try:
        home.symlink_to(elsewhere)
    except FileExistsError:  # a process that was faster
        elsewhere.rmdir()
    else:
        _log.warning("PostgreSQL runs as `nobody`, who cannot reach %s; its data is in %s", data_dir, elsewhere)
    return home.resolve()
