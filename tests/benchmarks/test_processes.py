import os
import subprocess
import sys
import time

from benchmarks.processes import cpu_seconds, peak_mb, reset_peak, resident_mb, settle, with_children

WORKING = """
import time
large = b"x" * 60_000_000
del large
while time.process_time() < 0.5: pass
print(flush=True)
input()
"""


def test_the_cost_of_another_process_is_read_while_it_lives() -> None:
    with subprocess.Popen([sys.executable, "-c", WORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in with_children(os.getpid())
        assert 0.5 <= cpu_seconds([process.pid]) < 5
        assert peak_mb(process.pid) > resident_mb(process.pid) + 50
        reset_peak(process.pid)
        assert peak_mb(process.pid) < resident_mb(process.pid) + 10
        process.communicate()
    assert cpu_seconds([process.pid]) == 0


def test_an_idle_process_is_settled_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        settle([process.pid])
        started = time.monotonic()
        settle([process.pid])
        assert time.monotonic() - started < 5
        process.communicate()
