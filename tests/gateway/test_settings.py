"""Settings, as they come from the environment."""

import json

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


def foreign(issuers: object, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ITCARE_OPENID_FOREIGN_ISSUERS", json.dumps(issuers))
    return Settings()


def test_foreign_issuers_are_named_with_what_counts_as_their_second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_EGRESS_HOSTS", "idp.example, login.example:8443")
    issuers = {
        "https://idp.example/realms/acme": {"audience": "itcare-console"},
        "https://login.example:8443": {"audience": "itcare", "mfa": {"acr": ["gold"], "amr": ["otp", "hwk"]}},
    }
    found = foreign(issuers, monkeypatch).openid.foreign_issuers
    assert [issuer.mfa for issuer in found.values()] == [None, {"acr": ["gold"], "amr": ["otp", "hwk"]}]


@pytest.mark.parametrize(
    ("issuer", "message"),
    [
        ("https://other.example/realms/acme", "may not be called: its host and port"),
        ("http://idp.example/realms/acme", "may not be called: it is not https"),
        ("idp.example", "an issuer is the URL"),
        ("https://idp.example/realms/acme?x", "an issuer is the URL"),
        ("https://idp.example/#x", "an issuer is the URL"),
        ("https://user@idp.example", "an issuer is the URL"),
        ("https://idp.example/a b", "an issuer is the URL"),
        ("https://idp.example/" + "x" * 500, "an issuer is the URL"),
        ("file:///etc/passwd", "an issuer is the URL"),
        ("https://gateway.example", "may not be called: it is our own"),
    ],
)
def test_a_foreign_issuer_that_is_not_to_be_asked_is_refused(
    issuer: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITCARE_EGRESS_HOSTS", "idp.example, gateway.example")
    monkeypatch.setenv("ITCARE_ISSUER", "https://gateway.example")
    with pytest.raises(ValidationError, match=message):
        foreign({issuer: {"audience": "itcare-console"}}, monkeypatch)


def test_a_foreign_issuer_without_an_audience_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_EGRESS_HOSTS", "idp.example")
    with pytest.raises(ValidationError, match="audience"):
        foreign({"https://idp.example": {}}, monkeypatch)


def test_push_services_are_hosts_and_whoever_runs_the_gateway_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_PUSH_HOSTS", "push.example, *.push.example")
    monkeypatch.setenv("ITCARE_PUSH_CONTACT", "mailto:operations@itcare.example")
    assert Settings().push.hosts == ["push.example", "*.push.example"]
    monkeypatch.setenv("ITCARE_PUSH_HOSTS", "*.example")
    with pytest.raises(ValidationError, match="every host of a top-level domain"):
        Settings()
    monkeypatch.setenv("ITCARE_PUSH_HOSTS", "push.example")
    monkeypatch.setenv("ITCARE_PUSH_CONTACT", "operations")
    with pytest.raises(ValidationError, match="contact"):
        Settings()
