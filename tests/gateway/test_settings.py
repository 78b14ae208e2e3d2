"""Settings, as they come from the environment."""

import pytest
from pydantic import ValidationError

from gateway.settings import Settings


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://a.example", ["https://a.example"]),
        ("https://a.example, https://b.example,", ["https://a.example", "https://b.example"]),
        ("", []),
    ],
)
def test_origins_are_separated_by_commas(text: str, origins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_CORS_ORIGINS", text)
    assert Settings().cors_origins == origins


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("ITCARE_PORT", "")
    assert Settings().database_url is None
    assert Settings().port == 8000


def test_the_webhook_driver_is_not_set_without_where_and_how_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_WORKER_DRIVER", "webhook")
    with pytest.raises(ValidationError, match="needs ITCARE_WORKER_WEBHOOK_URL and ITCARE_WORKER_WEBHOOK_KEYS_FILE"):
        Settings()
    monkeypatch.setenv("ITCARE_WORKER_WEBHOOK_URL", "https://orchestrator.example/hook")
    monkeypatch.setenv("ITCARE_WORKER_WEBHOOK_KEYS_FILE", "webhook.json")
    with pytest.raises(ValidationError, match="may not be called"):
        Settings()
    monkeypatch.setenv("ITCARE_EGRESS_HOSTS", "orchestrator.example, other.example")
    assert Settings().worker.webhook_url == "https://orchestrator.example/hook"
