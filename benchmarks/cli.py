"""The command line: `./dev bench`, or `python -m benchmarks`."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks.agreement import Disagreement
from benchmarks.comparison import Comparison, Effort, compare
from benchmarks.data import store as stores
from benchmarks.data.store import Store
from benchmarks.load import LoadFailed
from benchmarks.processes import Cores, pin
from benchmarks.queries import Query, Scale
from benchmarks.report.tables import tables_of
from benchmarks.report.terminal import show
from benchmarks.servers.node import install
from benchmarks.servers.plans import (
    GATEWAY,
    GRAPHQL_CORE,
    LIMIT,
    MERCURIUS,
    NODE_PEERS,
    PLAIN_TABLES,
    POSTGRAPHILE,
    Site,
)
from benchmarks.servers.process import ServerFailed
from gateway.postgres import PostgresError
from gateway.web.node import NodeError

ROOT: Final = Path(__file__).parents[1]
SERVERS: Final = (GATEWAY, GRAPHQL_CORE, POSTGRAPHILE, MERCURIUS, LIMIT)
QUICK_SERVERS: Final = (GATEWAY, GRAPHQL_CORE, LIMIT)
_FILE_WIDTH: Final = 180
QUERIES: Final = tuple(map(str, Query))

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def main() -> NoReturn:
    """Run the benchmarks; exit with 1 and one line on standard error if they failed."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name="./dev bench")
    except (PostgresError, NodeError, ServerFailed, LoadFailed, Disagreement) as error:
        typer.echo(f"bench: {error}", err=True)
        sys.exit(1)
    sys.exit(0)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as an exception, so that servers and database are ended in order."""
    sys.exit(128 + signal.SIGTERM)


@app.command(context_settings={"help_option_names": ["-h", "--help"]})
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="In two minutes: one short round, without the Node peers.")
    ] = False,
    servers: Annotated[str, typer.Option(help=f"Which servers, by commas: {', '.join(SERVERS)}.  [default: all]")] = "",
    queries: Annotated[str, typer.Option(help=f"Which queries, by commas: {', '.join(QUERIES)}.  [default: all]")] = "",
    rounds: Annotated[int | None, typer.Option(min=1, help="How many rounds.  [default: 3; 1 if quick]")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="For each server and query in a round.  [default: 3; 1]")
    ] = None,
    resources: Annotated[int, typer.Option(min=2000, help="How many resources.")] = 100_000,
    page_size: Annotated[int, typer.Option(min=1, help="How many resources a large page has.")] = 5000,
    data_dir: Annotated[Path, typer.Option(help="Where the data sets and the Node peers are kept.")] = Path(
        ".cache/bench"
    ),
) -> None:
    """Compare the gateway with its peers on the same data, and with what it may cost.

    Data sets and the Node peers are made once and kept.
    """
    names = _chosen(servers, QUICK_SERVERS if quick else SERVERS, SERVERS, "server")
    asked = [Query.named(name) for name in _chosen(queries, QUERIES, QUERIES, "query")]
    effort = Effort(rounds or (1 if quick else 3), seconds or (1.0 if quick else 3.0), 1.0 if quick else 3.0)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    found = _compare(data_dir.absolute(), Scale(resources, page_size), names, asked, effort)
    for table in tables_of(found):
        show(console, table)


def _compare(data_dir: Path, scale: Scale, names: list[str], queries: list[Query], effort: Effort) -> Comparison:
    cores = Cores.divide()
    peers = None
    if set(names) & set(NODE_PEERS):
        peers = install(data_dir / "node", lambda sentence: typer.echo(f"The benchmark {sentence}", err=True))
    with _progress() as progress, Store(data_dir) as store:
        plain = [name for name in names if name in PLAIN_TABLES]
        database = store.database(scale.resources, plain, progress)
        pin([os.getpid(), *store.pids], cores.others)
        return compare(Site(database, scale, data_dir, peers), store, cores, names, queries, effort, progress)


def _chosen(given: str, default: tuple[str, ...], known: tuple[str, ...], what: str) -> list[str]:
    names = [name.strip() for name in given.split(",") if name.strip()] or list(default)
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"there is no {what} {name}; there are {', '.join(known)}")
    return names


@contextmanager
def _progress() -> Iterator[stores.Progress]:
    """Show on a terminal how far each step is; elsewhere, say when one begins."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
                if not console.is_terminal:
                    console.print(step)
            bar.update(tasks[step], completed=done, total=total)

        yield report
