"""The command line, as an operator meets it: in a shell, beside a running gateway, and when something is wrong."""

import io
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pyotp
import pytest
from jose import jwt
from sqlalchemy import make_url

from gateway.cli import main
from gateway.postgres import DatabaseUrls
from gateway.postgres.cluster import Cluster
from resolvers.demo import ACCOUNTS
from tests.databases import copy_of

COMMANDS = [
    *(
        "serve",
        "worker",
        "demo",
        "import",
        "backup",
        "restore",
        "token",
        "totp",
        "invite",
        "audit",
        "keys",
        "operations",
    ),
    *("migrate", "downgrade", "schema", "permissions", "doctor"),
]
GATEWAY = [sys.executable, "-m", "gateway.cli"]
QUERY = {"query": "{ viewer { email } resources { totalCount } }"}


class Answer(NamedTuple):
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Demo:
    """A running demo: its process, its folder, what it printed and the address it serves at."""

    process: subprocess.Popen[str]
    folder: Path
    printed: str
    url: str

    def is_serving(self) -> bool:
        return httpx.get(f"{self.url}/readyz", timeout=30).status_code == 200

    def ask(self, token: str) -> httpx.Response:
        return httpx.post(f"{self.url}/graphql", json=QUERY, headers={"authorization": f"Bearer {token}"}, timeout=30)


def run(*arguments: str | Path, stdin: str = "", **environment: str) -> Answer:
    """Runs a command in this process, which has loaded the gateway already."""
    before = dict(os.environ)
    os.environ.update(environment)
    sys.stdin = io.StringIO(stdin)
    try:
        with (
            redirect_stdout(io.StringIO()) as output,
            redirect_stderr(io.StringIO()) as errors,
            pytest.raises(SystemExit) as ended,
        ):
            main([str(argument) for argument in arguments])
    finally:
        sys.stdin = sys.__stdin__
        os.environ.clear()
        os.environ.update(before)
    assert isinstance(ended.value.code, int)
    return Answer(ended.value.code, output.getvalue(), errors.getvalue())


def refusal(*arguments: str | Path, **environment: str) -> str:
    """The one line with which a command fails."""
    answer = run(*arguments, **environment)
    assert answer.status == 1, answer.stderr
    (line,) = [line for line in answer.stderr.splitlines() if line]
    return line


def start_demo(folder: Path, *options: str) -> Demo:
    process = subprocess.Popen(  # noqa: S603 - the product
        [*GATEWAY, "demo", "--port", "0", "--data-dir", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"ITCARE_METRICS": "true"},
    )
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("  -d "):
            break
    found = re.search(r"^GraphQL +(\S+)/graphql$", printed, re.MULTILINE)
    assert found, process.communicate()
    return Demo(process, folder, printed, found[1])


def stop(demo: Demo, kind: signal.Signals = signal.SIGTERM) -> int:
    demo.process.send_signal(kind)
    demo.process.communicate(timeout=60)
    return demo.process.returncode


@pytest.fixture(scope="module")
def demo(server_folder: Path) -> Iterator[Demo]:
    running = start_demo(server_folder / "demo", "--resources", "60")
    yield running
    stop(running)


@pytest.fixture(scope="module")
def token(demo: Demo) -> str:
    return run("token", "pow@demo.example", "--data-dir", demo.folder).stdout.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    answer = run(command, "--help")
    assert answer.status == 0
    assert f"Usage: itcare-gateway {command}" in answer.stdout


def test_the_commands_are_listed() -> None:
    listed = re.findall(r"^  ([a-z]+)  ", run("--help").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_a_command_that_is_called_wrongly_says_how() -> None:
    answer = run("token")
    assert answer.status == 2
    assert "Missing argument" in answer.stderr


def test_the_version_is_printed() -> None:
    assert re.match(r"itcare-gateway \d+\.\d+\.\d+ ", run("--version").stdout)


def test_the_demo_prints_addresses_accounts_with_tokens_and_a_query(demo: Demo) -> None:
    assert f"{demo.url}/graphiql" in demo.printed
    for account in ACCOUNTS:
        (printed,) = re.findall(rf"^{re.escape(account.email)}  .+\n(\S+)$", demo.printed, re.MULTILINE)
        answer = demo.ask(printed)
        assert answer.status_code == 200
        assert answer.json()["data"]["viewer"] == {"email": account.email}


def test_the_printed_query_answers_when_it_is_pasted(demo: Demo) -> None:
    command = demo.printed[demo.printed.index("curl ") :]
    pasted = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)  # noqa: S603
    assert '"data":{"viewer":{"email":"pow@demo.example"}' in pasted.stdout
    assert '"nodes":[{' in pasted.stdout


def test_a_token_is_printed_beside_a_running_gateway(demo: Demo, token: str) -> None:
    assert demo.ask(token).json()["data"]["viewer"] == {"email": "pow@demo.example"}


def test_a_token_carries_a_second_factor_in_the_demo_if_asked(demo: Demo, token: str) -> None:
    assert "mfa_time" not in jwt.get_unverified_claims(token)
    answer = run("token", "pow@demo.example", "--mfa-age", "100", "--lifetime", "600", "--data-dir", demo.folder)
    claims = jwt.get_unverified_claims(answer.stdout.strip())
    assert claims["exp"] - claims["iat"] == 600
    assert 100 <= datetime.now(UTC).timestamp() - claims["mfa_time"] <= 130


def test_people_sign_in_to_the_demo_with_the_password_that_it_prints(demo: Demo) -> None:
    (url,) = re.findall(r"^Sign in +(\S+)$", demo.printed, re.MULTILINE)
    (password,) = re.findall(r"^The password of all people is: (.+)$", demo.printed, re.MULTILINE)
    with httpx.Client(timeout=30) as browser:
        (token,) = re.findall(r'name="form" value="([^"]+)"', browser.get(url).text)
        fields = {"form": token, "email": "pow@demo.example", "password": password}
        answer = browser.post(url, data=fields)
        assert answer.headers["location"] == "/auth/account"
        assert "You are signed in as pow@demo.example." in browser.get(f"{demo.url}/auth/account").text
    assert f"E-mails are written into {demo.folder / 'outbox'}." in demo.printed


def test_an_invitation_is_printed_as_a_link_to_the_running_gateway(demo: Demo) -> None:
    link = run("invite", "Rep@demo.example", "--data-dir", demo.folder).stdout.strip()
    assert link.startswith(f"{demo.url}/auth/invitation?link=")
    assert "rep@demo.example" in httpx.get(link, timeout=30).text
    newer = run("invite", "rep@demo.example", "--data-dir", demo.folder).stdout.strip()
    assert [httpx.get(each, timeout=30).status_code for each in (link, newer)] == [410, 200]
    assert "There is no active account" in refusal("invite", "nobody@demo.example", "--data-dir", demo.folder)
    assert "is no person's account" in refusal("invite", "bi@demo.example", "--data-dir", demo.folder)


def printed_secrets(demo: Demo) -> dict[str, str]:
    return dict(re.findall(r"^(\S+@demo\.example)  .+  TOTP ([A-Z2-7]{32})$", demo.printed, re.MULTILINE))


def test_everybody_in_the_demo_has_a_second_factor_of_this_demos_own_but_for_one_and_programs(demo: Demo) -> None:
    secrets = printed_secrets(demo)
    assert {account.email for account in ACCOUNTS} - secrets.keys() == {"nofactor@demo.example", "bi@demo.example"}
    assert len(set(secrets.values())) == len(secrets)


def test_a_code_of_the_demo_steps_up_and_the_next_one_does_after_it(demo: Demo) -> None:
    email = "pow@demo.example"
    headers = {"authorization": f"Bearer {run('token', email, '--data-dir', demo.folder).stdout.strip()}"}
    used = []
    for _ in range(2):
        begun = httpx.post(f"{demo.url}/auth/step-up", json={}, headers=headers, timeout=30).json()
        code = run("totp", email.upper(), "--data-dir", demo.folder).stdout.strip()
        body = {"challengeId": begun["challengeId"], "method": "TOTP", "code": code}
        answer = httpx.post(f"{demo.url}/auth/step-up/complete", json=body, headers=headers, timeout=30)
        assert jwt.get_unverified_claims(answer.json()["accessToken"])["amr"] == ["otp", "mfa"]
        used.append(code)
    app = pyotp.TOTP(printed_secrets(demo)[email])
    step = int(datetime.now(UTC).timestamp()) // 30
    assert set(used) <= {app.generate_otp(step + steps) for steps in range(-2, 2)}
    # Now and the next: both used, unless a step has passed in between.
    answered = run("totp", email, "--data-dir", demo.folder)
    assert answered.status == 0 or "the next one is accepted in " in answered.stderr


@pytest.mark.parametrize("account", ["nofactor@demo.example", "bi@demo.example", "nobody@demo.example"])
def test_who_has_no_factor_has_no_code(demo: Demo, account: str) -> None:
    line = refusal("totp", account, "--data-dir", demo.folder)
    assert line == f"itcare-gateway: There is no demo account {account} with an authenticator app."


def test_answers_are_made_without_looking_for_garbage(demo: Demo, token: str) -> None:
    def collections() -> int:
        metrics = httpx.get(f"{demo.url}/metrics", timeout=30).text
        return int(re.findall(r'python_gc_collections_total\{generation="0"\} (\d+)', metrics)[0])

    before = collections()
    for _ in range(20):
        assert demo.ask(token).status_code == 200
    assert collections() - before <= 1


def test_a_token_of_nobody_is_refused(demo: Demo) -> None:
    line = refusal("token", "nobody@demo.example", "--data-dir", demo.folder)
    assert line == "itcare-gateway: There is no active account nobody@demo.example."


def test_a_backup_is_made_and_restored_beside_a_running_gateway(demo: Demo, token: str, tmp_path: Path) -> None:
    before = demo.ask(token).json()["data"]
    file = tmp_path / "demo.dump"
    assert run("backup", file, "--data-dir", demo.folder).stdout.startswith(f"Wrote {file}: ")
    assert "--force" in refusal("restore", file, "--data-dir", demo.folder)
    assert run("restore", file, "--force", "--data-dir", demo.folder).stdout.startswith(f"Restored {file} at revision ")
    assert demo.ask(token).json()["data"] == before


def test_a_backup_moves_to_another_folder(demo: Demo, tmp_path: Path, server_folder: Path, stopped: Path) -> None:
    file, folder = tmp_path / "demo.dump", copy_of(stopped, server_folder / "moved")
    run("backup", file, "--data-dir", demo.folder)
    assert run("restore", file, "--data-dir", folder).status == 0
    assert run("token", "pow@demo.example", "--data-dir", folder).status == 0
    assert "--mfa-age works with the data folder of a demo only" in refusal(
        "token", "pow@demo.example", "--mfa-age", "0", "--data-dir", folder
    )
    assert "totp works with the data folder of a demo only" in refusal("totp", "pow@demo.example", "--data-dir", folder)


def test_an_import_with_errors_lists_them_and_writes_nothing(demo: Demo, token: str, tmp_path: Path) -> None:
    before = demo.ask(token).json()["data"]
    file = tmp_path / "inventory.csv"
    file.write_text("organization,colour\nacme,blue\n")
    answer = run("import", file, "--data-dir", demo.folder)
    assert answer.status == 1
    assert f'{file}:1: "colour" is no known column' in answer.stderr.splitlines()[0]
    assert answer.stderr.splitlines()[-1].endswith("errors in the input; nothing was written.")
    assert demo.ask(token).json()["data"] == before


def test_the_database_of_a_running_demo_is_migrated(demo: Demo) -> None:
    answer = run("migrate", "--check", "--data-dir", demo.folder)
    assert (answer.status, answer.stderr) == (0, "")


def test_the_doctor_finds_a_running_demo_well(demo: Demo) -> None:
    answer = run("doctor", "--data-dir", demo.folder)
    missing = [line for line in answer.stdout.splitlines() if not line.startswith("ok ")]
    assert [line for line in missing if "GraphiQL" not in line] == []
    assert answer.status == bool(missing)


def test_a_second_gateway_on_the_same_folder_is_refused(demo: Demo) -> None:
    line = refusal("serve", "--port", "0", "--data-dir", demo.folder)
    assert line.startswith(f"itcare-gateway: Another process uses the data folder {demo.folder}")


def test_a_port_that_is_taken_is_named(server_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refusal("serve", "--port", port, "--data-dir", server_folder / "never")
    assert line == f"itcare-gateway: Cannot listen on 127.0.0.1, port {port}: Address already in use."
    assert not (server_folder / "never").exists()


def test_killing_the_gateway_leaves_no_server_and_the_next_start_keeps_the_demo(
    server_folder: Path, stopped: Path
) -> None:
    folder = copy_of(stopped, server_folder / "killed")
    first = start_demo(folder, "--resources", "30")
    server = Cluster(folder).listening()
    assert server
    handle = os.pidfd_open(server.pid)
    stop(first, signal.SIGKILL)
    assert select.select([handle], [], [], 30)[0], "the server outlived its gateway"
    os.close(handle)

    second = start_demo(folder, "--resources", "40")
    answer = second.ask(re.findall(r"^eyJ\S+$", second.printed, re.MULTILINE)[0])
    assert answer.json()["data"]["resources"]["totalCount"] > 0
    assert printed_secrets(second) == printed_secrets(first)
    second.process.send_signal(signal.SIGINT)
    _, errors = second.process.communicate(timeout=60)
    assert second.process.returncode == 0
    assert "Keeping the demo that is there, of 30 resources" in errors


def test_a_folder_that_holds_other_data_is_a_demo_only_once_it_was_made_anew(
    demo: Demo, tmp_path: Path, server_folder: Path, stopped: Path
) -> None:
    file, folder = tmp_path / "real.dump", copy_of(stopped, server_folder / "real")
    run("backup", file, "--data-dir", demo.folder)
    run("restore", file, "--data-dir", folder)
    answer = run("demo", "--port", "0", "--data-dir", folder)
    assert answer.status == 1
    assert "holds data that is no demo" in answer.stderr
    anew = start_demo(folder, "--resources", "40", "--reset")
    anew.process.send_signal(signal.SIGTERM)
    assert "Made a demo of 40 resources" in anew.process.communicate(timeout=60)[1]


@pytest.mark.parametrize("command", [["token", "pow@demo.example"], ["backup", "x.dump"], ["import", "x.csv"]])
def test_commands_that_read_make_no_database(command: list[str], server_folder: Path) -> None:
    folder = server_folder / "absent"
    assert "There is no database in" in refusal(*command, "--data-dir", folder)
    assert not folder.exists()


def test_serving_an_own_database_needs_it_migrated(
    bare: DatabaseUrls, environment_of: Callable[[DatabaseUrls], dict[str, str]]
) -> None:
    answer = run("serve", "--port", "0", **environment_of(bare))
    assert answer.status == 1
    assert answer.stderr.splitlines()[-1].endswith("run `itcare-gateway migrate`.")
    assert run("migrate", **environment_of(bare)).stdout.startswith("The database went from revision none to ")
    assert run("migrate", **environment_of(bare)).stdout.endswith("there was nothing to do.\n")
    assert run("downgrade", "base", stdin="n\n", **environment_of(bare)).status == 1
    assert run("downgrade", "base", "--yes", **environment_of(bare)).stdout.endswith(" to none.\n")


def test_a_role_that_row_level_security_would_not_hold_does_not_serve(
    database: DatabaseUrls, environment_of: Callable[[DatabaseUrls], dict[str, str]]
) -> None:
    as_owner = DatabaseUrls(app=database.owner, owner=database.owner)
    assert "does not serve as the role postgres" in refusal("serve", "--port", "0", **environment_of(as_owner))


def test_the_demo_keeps_off_an_operators_database(
    database: DatabaseUrls, environment_of: Callable[[DatabaseUrls], dict[str, str]]
) -> None:
    assert "unset DATABASE_URL" in refusal("demo", "--port", "0", **environment_of(database))


@pytest.fixture
def environment_of() -> Callable[[DatabaseUrls], dict[str, str]]:
    """The variables by which the gateway is told of a database, as plain addresses."""

    def plain(url: str) -> str:
        return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    return lambda urls: {"DATABASE_URL": plain(urls.app), "DATABASE_OWNER_URL": plain(urls.owner)}


def test_a_wrong_setting_is_named_and_not_quoted() -> None:
    line = refusal("doctor", ITCARE_PORT="secret")
    assert line.startswith("itcare-gateway: A setting is wrong: ITCARE_PORT: ")
    assert "secret" not in line


def test_a_database_that_cannot_be_reached_is_one_line_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    line = refusal("migrate", DATABASE_URL=f"postgresql://app:secret@127.0.0.1:{port}/itcare")
    assert f"The database itcare at 127.0.0.1:{port} cannot be reached: " in line
    assert "secret" not in line


def test_output_that_nobody_reads_is_no_error() -> None:
    shell = f"{sys.executable} -m gateway.cli schema | head -n 1"
    answer = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True)  # noqa: S603
    assert answer.stderr == ""
    assert answer.stdout


def test_the_printed_schema_is_the_one_in_the_repository() -> None:
    assert run("schema").stdout == (Path(__file__).parents[2] / "schema.graphql").read_text()
