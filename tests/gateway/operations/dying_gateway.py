"""A gateway that kills itself with signal 9 once a mutation is committed, before it is answered.

    python -m tests.gateway.operations.dying_gateway APP_URL OWNER_URL DATA_DIR

Says its port on standard output when it listens.
"""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvicorn

from gateway.app import create_app
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings


def _die(**_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Serve until the first mutation."""
    app_url, owner_url, data_dir = sys.argv[1:]
    app = create_app(Settings(data_dir=Path(data_dir)), DatabaseUrls(app_url, owner_url))
    with patch("schema.payloads.Payload.of", _die), socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run([listener])


if __name__ == "__main__":
    main()
