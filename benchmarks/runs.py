"""The two runs, from the data to the report."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from benchmarks.comparison import Effort, compare
from benchmarks.data.store import Progress, Store
from benchmarks.growth import SIZES, measure_growth
from benchmarks.machine import describe, versions
from benchmarks.processes import Cores, pin
from benchmarks.queries import Query, Scale
from benchmarks.report.document import COMPARISON, GROWTH, comparison_section, growth_section, write_section
from benchmarks.report.plot import plot
from benchmarks.report.tables import Table, growth_tables, tables_of
from benchmarks.report.terminal import show
from benchmarks.servers.node import Peers, install
from benchmarks.servers.plans import NODE_PEERS, OWNERS, PLAIN_TABLES, Site


@dataclass(frozen=True)
class Comparing:
    """The comparison of some servers; its results go to the terminal, and to `file` if there is one."""

    data_dir: Path
    scale: Scale
    servers: Sequence[str]
    queries: Sequence[Query]
    effort: Effort
    file: Path | None

    def run(self, console: Console) -> None:
        """Measure and report."""
        cores = Cores.divide()
        peers = self._peers(console)
        with progress_bars() as progress, Store(self.data_dir) as store:
            owners = [OWNERS.get(name, name) for name in self.servers]
            plain = [name for name in PLAIN_TABLES if name in owners]
            site = Site(store.database(self.scale.resources, plain, progress), self.scale, self.data_dir, peers)
            pin([os.getpid(), *store.pids], cores.others)
            found = compare(site, store, cores, self.servers, self.queries, self.effort, progress)
            about = [*describe(cores, found.others), *versions(store.version(), peers)]
        tables = list(tables_of(found))
        _report(console, about, tables)
        if self.file is not None:
            drawing = self.file.with_name("results.svg")
            drawing.write_text(plot(found))
            write_section(self.file, COMPARISON, comparison_section(about, found.compared, tables, drawing.name))
            console.print(f"Written to {self.file} and {drawing.name}.")

    def _peers(self, console: Console) -> Peers | None:
        if not set(self.servers) & set(NODE_PEERS):
            return None
        return install(self.data_dir / "node", lambda sentence: console.print(f"The benchmark {sentence}"))


@dataclass(frozen=True)
class Growing:
    """The gateway on data sets of every size; its results likewise."""

    data_dir: Path
    page_size: int
    queries: Sequence[Query]
    effort: Effort
    file: Path | None

    def run(self, console: Console) -> None:
        """Measure and report."""
        cores = Cores.divide()
        with progress_bars() as progress, Store(self.data_dir) as store:
            databases = [store.database(resources, [], progress) for resources in SIZES]
            pin([os.getpid(), *store.pids], cores.others)
            sites = [Site(one, Scale(one.resources, self.page_size), self.data_dir) for one in databases]
            found = measure_growth(sites, store, cores, self.queries, self.effort, progress)
            about = [*describe(cores, found.others), *versions(store.version(), None)]
        tables = list(growth_tables(found))
        _report(console, about, tables)
        if self.file is not None:
            write_section(self.file, GROWTH, growth_section(about, tables))
            console.print(f"Written to {self.file}.")


def _report(console: Console, about: Sequence[str], tables: Sequence[Table]) -> None:
    for table in tables:
        show(console, table)
    for sentence in about:
        console.print(sentence, highlight=False)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Show on a terminal how far each step is; elsewhere, say when one begins."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
                if not console.is_terminal:
                    console.print(step)
            bars.update(tasks[step], completed=done, total=total)

        yield report
