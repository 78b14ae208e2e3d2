"""Workers as processes of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.postgres import DatabaseUrls

STARTED = b"Executing operations"


@asynccontextmanager
async def worker(urls: DatabaseUrls, data_dir: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `itcare-gateway worker` on a database until the block ends; then it ends in order, unless it was killed."""
    given = {"DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.owner, "ITCARE_DATA_DIR": str(data_dir)}
    paced = {"ITCARE_WORKER_POLL_SECONDS": "0.05", "ITCARE_WORKER_SIMULATED_SECONDS": "0", **settings}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "worker"),
        env={**os.environ, **given, **paced},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    line = b""
    while STARTED not in line:
        line = await process.stderr.readline()
        assert line, "the worker did not start"
    reading = asyncio.create_task(process.stderr.read())
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        code = await process.wait()
        said = (await reading).decode()
        assert code in (0, -signal.SIGKILL), said
