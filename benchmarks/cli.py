"""The command line: `./dev bench`, or `python -m benchmarks`."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from benchmarks.agreement import Disagreement
from benchmarks.comparison import Effort
from benchmarks.load import LoadFailed
from benchmarks.queries import Query, Scale
from benchmarks.runs import Comparing, Growing
from benchmarks.servers.plans import GATEWAY, GRAPHQL_CORE, LIMIT, LIMIT_IN_SNAPSHOT, MERCURIUS, POSTGRAPHILE
from benchmarks.servers.process import ServerFailed
from gateway.postgres import PostgresError
from gateway.web.node import NodeError

RESULTS: Final = Path(__file__).parent / "RESULTS.md"
SERVERS: Final = (GATEWAY, GRAPHQL_CORE, POSTGRAPHILE, MERCURIUS, LIMIT, LIMIT_IN_SNAPSHOT)
QUICK_SERVERS: Final = (GATEWAY, GRAPHQL_CORE, LIMIT, LIMIT_IN_SNAPSHOT)
QUERIES: Final = tuple(map(str, Query))
RESOURCES: Final = 100_000
PAGE_SIZE: Final = 5000
_FILE_WIDTH: Final = 160

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
    growth: Annotated[
        bool,
        typer.Option(
            "--growth", help="Instead: the gateway alone at 10,000, 100,000 and 1,000,000 resources, cost per resource."
        ),
    ] = False,
    servers: Annotated[
        str, typer.Option(metavar="NAMES", help=f"Which servers, by commas: {', '.join(SERVERS)}.  [default: all]")
    ] = "",
    queries: Annotated[
        str, typer.Option(metavar="NAMES", help=f"Which queries, by commas: {', '.join(QUERIES)}.  [default: all]")
    ] = "",
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often each is measured, in turns.  [default: 3, quick: 1]")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long each time.  [default: 3, quick: 1]")] = None,
    resources: Annotated[int, typer.Option(min=2000, help="How many resources there are.")] = RESOURCES,
    page_size: Annotated[int, typer.Option(min=1, help="How many resources a large page has.")] = PAGE_SIZE,
    data_dir: Annotated[
        Path, typer.Option(help="Where the data sets and the Node peers are kept, for the next time too.")
    ] = Path(".cache/bench"),
    output: Annotated[
        Path | None,
        typer.Option(
            help="Where the results are written, with the plot beside them."
            "  [default: benchmarks/RESULTS.md, if nothing was left out]"
        ),
    ] = None,
) -> None:
    """Measure what the gateway costs, beside its peers on the same data, and against its budgets.

    It starts everything it needs, PostgreSQL included, and leaves nothing running, also after Ctrl-C. The first time it
    installs the Node peers from npm and makes the data: 100,000 resources with three tags each, for every server.
    """
    names = _chosen(servers, QUICK_SERVERS if quick else SERVERS, SERVERS, "server")
    asked = [Query.named(name) for name in _chosen(queries, QUERIES, QUERIES, "query")]
    rounds, seconds = rounds or (1 if quick else 3), seconds or (1.0 if quick else 3.0)
    effort = Effort(rounds, seconds, warm_up_seconds=1.0 if quick else 8.0, is_quick=quick)
    is_usual = (len(asked), page_size, quick) == (len(QUERIES), PAGE_SIZE, False)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    if growth:
        Growing(data_dir.absolute(), page_size, asked, effort, output or (RESULTS if is_usual else None)).run(console)
    else:
        is_usual = is_usual and len(names) == len(SERVERS) and resources == RESOURCES
        scale = Scale(resources, page_size)
        file = output or (RESULTS if is_usual else None)
        Comparing(data_dir.absolute(), scale, names, asked, effort, file).run(console)


def _chosen(given: str, default: tuple[str, ...], known: tuple[str, ...], what: str) -> list[str]:
    names = [name.strip() for name in given.split(",") if name.strip()] or list(default)
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"there is no {what} {name}; there are {', '.join(known)}")
    return list(dict.fromkeys(names))
