"""`worker`: executes operations."""

import asyncio
import signal

import typer

from gateway.cli.options import DataDir, load_settings
from gateway.migrate import require_head
from gateway.postgres import DatabaseUrls, database
from gateway.postgres.roles import require_held_role
from gateway.settings import Settings
from gateway.telemetry import configure_logging
from gateway.working import working


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command()(worker)


def worker(data_dir: DataDir = None) -> None:
    """Execute operations, any number of workers beside each other; what one that died had begun, another goes on with.

    The database is DATABASE_URL; without one, the embedded PostgreSQL that `serve` or `demo` runs in the data folder.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logging(as_json=settings.log_json)
    with database(settings) as urls:
        require_head(urls)
        require_held_role(urls.app)
        asyncio.run(_work(settings, urls))


async def _work(settings: Settings, urls: DatabaseUrls) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with working(settings, urls) as task:
        typer.echo("Executing operations; Ctrl-C ends it.", err=True)
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
