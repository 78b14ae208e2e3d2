"""What the documents say, against what the product is."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate
from pydantic_settings import BaseSettings

from auth.administration import RULES
from auth.permissions import PRIVILEGES
from gateway.permissions import permissions_page
from gateway.settings import Settings
from resolvers.demo import ACCOUNTS
from schema.build import build_schema

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


GROUPS = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings)
}


@pytest.mark.parametrize("model", [Settings, *GROUPS.values()])
def test_every_setting_is_documented_with_its_default(model: type[BaseSettings]) -> None:
    table = (ROOT / "docs" / "operating.md").read_text()
    for name, field in model.model_fields.items():
        if name in GROUPS:
            continue
        variable = field.validation_alias or f"{model.model_config['env_prefix']}{name}".upper()
        row = next((line for line in table.splitlines() if line.startswith(f"| `{variable}` |")), "")
        assert row.endswith(f"| {field.description} |"), f"docs/operating.md does not describe {variable}"
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            assert f"| `{field.default:g}` |" in row or f"| `{field.default}` |" in row


def test_the_query_of_the_readme_is_valid() -> None:
    (query,) = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert validate(build_schema()._schema, parse(query)) == []


def test_the_documents_of_the_mutations_page_are_valid() -> None:
    documents = re.findall(r"```graphql\n(.*?)```", (ROOT / "docs" / "mutations.md").read_text(), re.DOTALL)
    assert len(documents) == 3
    for document in documents:
        assert validate(build_schema()._schema, parse(document)) == []


def test_the_documents_of_the_accounts_page_are_valid() -> None:
    documents = re.findall(r"```graphql\n(.*?)```", (ROOT / "docs" / "accounts.md").read_text(), re.DOTALL)
    assert len(documents) == 2
    for document in documents:
        assert validate(build_schema()._schema, parse(document)) == []


def test_the_documents_of_the_live_page_are_valid() -> None:
    (document,) = re.findall(r"```graphql\n(.*?)```", (ROOT / "docs" / "live.md").read_text(), re.DOTALL)
    assert validate(build_schema()._schema, parse(document)) == []


@pytest.mark.parametrize("code", [1009, *range(4400, 4410), 4429, 4503])
def test_the_close_codes_are_documented_as_they_are_used(code: int) -> None:
    page, module = (ROOT / "docs" / "live.md").read_text(), (ROOT / "gateway" / "http" / "websocket.py").read_text()
    assert (f"| {code} |" in page) == (f"    {code}  " in module)


def test_the_permissions_are_documented_as_the_gateway_decides_them() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text()
    assert page == permissions_page()
    for name in [row.label for row in PRIVILEGES.values()] + [rule.mutation for rule in RULES.values()]:
        assert page.count(f"| `{name}` |") == 1, name


def test_the_steps_of_every_action_are_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [action.value for action in PRIVILEGES if f"`{action.value}`" not in page] == []


def test_the_readme_names_every_demo_account() -> None:
    text = (ROOT / "README.md").read_text()
    assert [account.email for account in ACCOUNTS if f"{account.email.split('@')[0]}@" not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("code", ["BAD_USER_INPUT", "LIMIT_EXCEEDED", "UNAUTHENTICATED", "COUNT_TIMEOUT"])
def test_the_error_codes_are_documented(code: str) -> None:
    assert f"`{code}`" in (ROOT / "docs" / "queries.md").read_text()
