"""`itcare-gateway audit`, as an operator meets it, and what the command line itself leaves in the log."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jose import jwt
from sqlalchemy import make_url

from auth.audit import PLATFORM
from gateway.postgres import DatabaseUrls
from tests.databases import Databases
from tests.gateway.running import fill
from tests.gateway.test_cli import GATEWAY, Answer, refusal, run
from tests.resolvers.shop import Shop

RENAME = """
SET session_replication_role = replica; UPDATE audit_record SET email = '{email}' WHERE chain = '{chain}' AND seq = 2
"""


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def environment(database: DatabaseUrls, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables by which the gateway is told of a database with the shop in it, and of its keys."""
    await fill(database, shop)
    app, owner = (
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        for url in (database.app, database.owner)
    )
    folder = str(tmp_path_factory.mktemp("keys"))
    return {"DATABASE_URL": app, "DATABASE_OWNER_URL": owner, "ITCARE_DATA_DIR": folder}


def exported(file: Path, *options: str, environment: dict[str, str]) -> list[dict[str, Any]]:
    answer = run("audit", "export", *options, "--output", file, **environment)
    assert (answer.status, answer.stdout, answer.stderr) == (0, "", "")
    return [json.loads(line) for line in file.read_text().splitlines()]


def records(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == "record"]


def verified(*arguments: str | Path, environment: dict[str, str]) -> Answer:
    return run("audit", "verify", *arguments, **environment)


@pytest.mark.parametrize("command", ["export", "verify", "checkpoint"])
def test_every_command_of_the_audit_log_explains_itself(command: str) -> None:
    answer = run("audit", command, "--help")
    assert answer.status == 0
    assert f"Usage: itcare-gateway audit {command}" in answer.stdout


def test_a_token_is_recorded_and_is_not_in_the_log(
    environment: dict[str, str], shop: Shop, tmp_path: Path, database: DatabaseUrls, databases: Databases
) -> None:
    token = run("token", "Ann@Acme.example", **environment).stdout.strip()
    file = tmp_path / "audit.ndjson"
    last = records(exported(file, "--organization", "acme", environment=environment))[-1]
    assert (last["label"], last["decision"]) == ("CLI_TOKEN", "ALLOWED")
    assert (last["account_id"], last["email"]) == (str(shop.account), "ann@acme.example")
    assert last["token_id"] == jwt.get_unverified_claims(token)["jti"]
    assert (last["mfa_time"], last["amr"]) == (None, [])
    rows = databases.run("SELECT * FROM audit_record", database)
    assert last["token_id"] in rows
    for part in token.split(".")[1:]:
        assert part not in file.read_text()
        assert part not in rows


def test_a_token_of_the_platforms_own_is_recorded_in_its_chain(
    environment: dict[str, str], tmp_path: Path, database: DatabaseUrls, databases: Databases
) -> None:
    databases.run(
        "INSERT INTO account (id, kind, email, is_platform, created_at)"
        " VALUES (uuidv7(), 'PERSON', 'root@platform.example', true, now())",
        database,
    )
    run("token", "root@platform.example", **environment)
    *_, record, _export = records(exported(tmp_path / "audit.ndjson", "--platform", environment=environment))
    assert (record["label"], record["email"]) == ("CLI_TOKEN", "root@platform.example")


def test_an_export_is_recorded_in_the_platforms_chain_and_holds_that_record(
    environment: dict[str, str], shop: Shop, tmp_path: Path
) -> None:
    run("token", "ann@acme.example", **environment)
    exported(tmp_path / "acme.ndjson", "--organization", "acme", environment=environment)
    *_, one, all_ = records(exported(tmp_path / "audit.ndjson", "--platform", environment=environment))
    assert {(each["chain"], each["label"]) for each in (one, all_)} == {(str(PLATFORM), "EXPORT")}
    assert (one["target_type"], one["target_id"]) == ("Organization", str(shop.acme))
    assert (all_["target_type"], all_["target_id"]) == (None, None)


def test_the_same_chain_gives_the_same_bytes_in_a_file_for_its_owner_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run("token", "ann@acme.example", **environment)
    one, other = tmp_path / "one.ndjson", tmp_path / "other.ndjson"
    for file in (one, other):
        exported(file, "--organization", "acme", environment=environment)
    assert one.read_bytes() == other.read_bytes()
    assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_an_export_holds_as_the_database_does(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    lines = exported(file, environment=environment)
    assert {line["type"] for line in lines} == {"export", "chain", "checkpoint", "record"}
    for arguments in ([], [file], ["--against", file]):
        answer = verified(*arguments, environment=environment)
        assert (answer.status, answer.stdout, answer.stderr) == (0, "", "The audit log holds.\n")


def test_an_export_goes_through_a_pipe(environment: dict[str, str]) -> None:
    written = subprocess.run([*GATEWAY, "audit", "export"], env=environment, capture_output=True, check=True)  # noqa: S603
    answer = subprocess.run(  # noqa: S603
        [*GATEWAY, "audit", "verify", "-"],
        env=environment,
        input=written.stdout[:-200],
        capture_output=True,
        check=False,
    )
    assert answer.returncode == 1
    assert b" TRUNCATED: a checkpoint says that there were " in answer.stdout


def test_what_is_wrong_is_a_line_each_and_the_command_fails(
    environment: dict[str, str], shop: Shop, tmp_path: Path, database: DatabaseUrls, databases: Databases
) -> None:
    for _ in range(3):
        run("token", "ann@acme.example", **environment)
    file = tmp_path / "audit.ndjson"
    exported(file, environment=environment)
    databases.run(RENAME.format(email="bob@acme.example", chain=shop.acme), database)
    answer = verified(environment=environment)
    assert answer.stdout == f"{shop.acme} 2 CHANGED: the record is not what was written\n"
    assert answer.status == 1
    assert answer.stderr == "itcare-gateway: The audit log does not hold: 1 finding.\n"
    assert verified(file, environment=environment).status == 0
    databases.run(RENAME.format(email="ann@acme.example", chain=shop.acme), database)
    assert verified(environment=environment).status == 0


def test_chains_are_signed_on_demand(environment: dict[str, str]) -> None:
    run("token", "ann@acme.example", **environment)
    assert run("audit", "checkpoint", **environment).stdout == "Signed 1 chain.\n"
    assert run("audit", "checkpoint", **environment).stdout == "Signed 0 chains.\n"


def test_checkpoints_do_not_count_where_their_key_is_not_known(environment: dict[str, str], tmp_path: Path) -> None:
    exported(tmp_path / "audit.ndjson", "--platform", environment=environment)
    elsewhere = environment | {"ITCARE_DATA_DIR": str(tmp_path / "elsewhere")}
    answer = verified(tmp_path / "audit.ndjson", environment=elsewhere)
    assert answer.status == 1
    assert "CHECKPOINT: the checkpoint does not count: it is signed by a key that is not known here" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export", "--platform", "--all"], "Give one of --organization, --platform and --all."),
        (["export", "--organization", "nowhere"], "There is no organization nowhere."),
        (["verify", "absent.ndjson"], "absent.ndjson: No such file or directory"),
        (["verify", "--against", "absent.ndjson"], "absent.ndjson: No such file or directory"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_in_a_line(
    arguments: list[str], sentence: str, environment: dict[str, str]
) -> None:
    assert refusal("audit", *arguments, **environment) == f"itcare-gateway: {sentence}"


def test_a_file_that_could_not_be_written_leaves_nothing_behind(environment: dict[str, str], tmp_path: Path) -> None:
    assert "No such file or directory" in refusal(
        "audit", "export", "--output", tmp_path / "absent" / "audit.ndjson", **environment
    )
    assert list(tmp_path.iterdir()) == []
