"""As whom the embedded server runs: PostgreSQL refuses to run as root, so root's server runs as `nobody`."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from gateway.postgres.programs import clean_environment


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user of this machine, by numbers: in a container it may have no name."""

    uid: int
    gid: int

    @classmethod
    def for_server(cls, existing: Path | None) -> Self:
        """The caller; for root, who owns the `existing` cluster, else `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if existing is not None and (status := existing.stat()).st_uid != 0:
            return cls(status.st_uid, status.st_gid)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def __str__(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"

    @property
    def is_caller(self) -> bool:
        """Whether this process already runs as this user."""
        return self.uid == os.geteuid()

    @property
    def spawn_options(self) -> dict[str, Any]:
        """What `subprocess` needs to start a program as this user, without a terminal and in a clean environment."""
        options: dict[str, Any] = {"cwd": "/", "env": clean_environment(), "stdin": subprocess.DEVNULL, "umask": 0o077}
        if not self.is_caller:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can reach what is in `folder`; asked of the system, which also knows of ACLs."""
        return self._succeeds("/bin/sh", "-c", 'test -x "$0"', str(folder))

    def can_run(self, program: str) -> bool:
        """Whether this user can start `program`."""
        return self._succeeds(program, "--version")

    def own(self, path: Path) -> None:
        """Gives `path` to this user."""
        if not self.is_caller:
            os.chown(path, self.uid, self.gid)

    def _succeeds(self, *command: str) -> bool:
        try:
            answer: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603 - our own commands
                command, check=False, capture_output=True, **self.spawn_options
            )
        except PermissionError:
            return False
        return answer.returncode == 0
