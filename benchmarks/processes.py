"""What processes cost: CPU time, memory, and the cores they run on. Linux only; needs no rights over one's own."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED of the kernel's ABI: the scheduler's own count, in nanoseconds
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_WAITING_FIELDS = (3, 4)  # of the cpu line of /proc/stat: idle, iowait
_FIELDS = 8  # guests' times after these are counted in them already


def cpu_seconds(pids: Iterable[int]) -> float:
    """The CPU time that processes have used, threads that have ended included; those that are gone count nothing."""
    return sum(map(_cpu_seconds, pids))


def _cpu_seconds(pid: int) -> float:
    try:
        # Any process's clock can be read by its number, to the nanosecond; /proc counts in hundredths of a second.
        return time.clock_gettime_ns(~pid << 3 | _CPU_OF_PROCESS) / 1e9
    except OSError:
        return 0.0


def with_children(pid: int) -> list[int]:
    """A process and its children, such as PostgreSQL's server and its backends."""
    entries = (entry for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [pid, *(int(entry.name) for entry in entries if _parent(entry) == pid)]


def _parent(entry: Path) -> int | None:
    try:
        # The name, in parentheses, may hold anything; the state and the parent follow it.
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def settle(pids: Iterable[int], *, seconds: float = 30.0, share: float = 0.05) -> None:
    """Wait until processes use less than that share of a core: until they have finished what was begun."""
    pids = list(pids)
    give_up_at = time.monotonic() + seconds
    before, at = cpu_seconds(pids), time.monotonic()
    while time.monotonic() < give_up_at:
        time.sleep(0.1)
        now, used = time.monotonic(), cpu_seconds(pids)
        if used - before < share * (now - at):
            return
        before, at = used, now


def resident_mb(pid: int) -> float:
    """The memory that a process holds now, in MB."""
    return _status_mb(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most memory that a process has held since `reset_peak`, in MB."""
    return _status_mb(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Begin anew with `peak_mb`."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has ended")


def memory_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def busy_seconds() -> float:
    """The CPU time that this machine has spent on anything at all, what a hypervisor took away included."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1 : 1 + _FIELDS]]
    return sum(field for n, field in enumerate(fields) if n not in _WAITING_FIELDS) / _TICKS_PER_SECOND


@dataclass(frozen=True)
class Cores:
    """Which cores are whose: the server under load has one to itself, if there are two or more."""

    server: frozenset[int]
    others: frozenset[int]

    @classmethod
    def divide(cls) -> "Cores":
        """Divide the cores that this process may use."""
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            return cls(frozenset(usable), frozenset(usable))
        return cls(frozenset(usable[-1:]), frozenset(usable[:-1]))

    def __str__(self) -> str:
        if self.server == self.others:
            return "one core for all"
        return f"the server on core {_listed(self.server)}, database and load generator on {_listed(self.others)}"


def _listed(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))


def pin(pids: Iterable[int], cores: frozenset[int]) -> None:
    """Keep processes, and what they start from now on, on some cores."""
    for pid in pids:
        try:
            os.sched_setaffinity(pid, cores)
        except ProcessLookupError:
            continue
