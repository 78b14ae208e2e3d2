"""Where a gateway is reached, and in whose name its tokens are."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.addresses import serving_at, settings_at, settings_beside
from gateway.settings import OpenIdSettings, Settings

HERE = "http://127.0.0.1:49152"
NAME = "https://gateway.example"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("::1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),  # noqa: S104
        ("::", "http://localhost:8000"),
        ("192.0.2.7", "http://192.0.2.7:8000"),
        ("2001:db8::7", "http://[2001:db8::7]:8000"),
    ],
)
def test_a_gateway_is_reached_where_it_listens_and_named_for_that(host: str, url: str) -> None:
    settings = Settings(host=host)
    assert (settings.public_url, settings.issuer) == (url, url)


def test_a_gateway_is_named_for_where_browsers_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_PUBLIC_URL", NAME)
    settings = settings_at(Settings(), HERE)
    assert (settings.public_url, settings.issuer) == (NAME, NAME)


@pytest.mark.parametrize(
    "url", ["gateway.example", "https://gateway.example/", "https://a@b", "ftp://a", "https://a b"]
)
def test_a_url_of_a_gateway_is_of_a_host_alone(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(public_url=url)
    with pytest.raises(ValidationError):
        Settings(issuer=url)


def test_commands_beside_a_gateway_know_where_it_is_whatever_its_port(tmp_path: Path) -> None:
    serving = serving_at(Settings(data_dir=tmp_path, port=0), HERE)
    beside = settings_beside(Settings(data_dir=tmp_path))
    assert (serving.public_url, serving.issuer) == (HERE, HERE)
    assert (beside.public_url, beside.issuer) == (HERE, HERE)
    serving_at(Settings(data_dir=tmp_path, issuer=NAME), HERE)
    assert settings_beside(Settings(data_dir=tmp_path)).issuer == NAME


def test_what_is_said_goes_before_what_was_written_down(tmp_path: Path) -> None:
    serving_at(Settings(data_dir=tmp_path), HERE)
    beside = settings_beside(Settings(data_dir=tmp_path, public_url=NAME, issuer="https://name.example"))
    assert (beside.public_url, beside.issuer) == (NAME, "https://name.example")


@pytest.mark.parametrize("content", [None, "", "one", "one two three", b"\xff\xfe two"])
def test_without_a_gateway_settings_are_as_they_are(tmp_path: Path, content: str | bytes | None) -> None:
    if content is not None:
        (tmp_path / "address").write_bytes(content.encode() if isinstance(content, str) else content)
    assert settings_beside(Settings(data_dir=tmp_path)) == Settings(data_dir=tmp_path)


def test_a_folder_that_cannot_be_written_keeps_no_gateway_from_serving(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert serving_at(Settings(data_dir=tmp_path / "file"), HERE).public_url == HERE


def test_clients_are_held_to_urls_that_reach_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITCARE_OPENID_CLIENTS", '{"console": ["https://console.example/back"]}')
    assert Settings().openid.clients == {"console": ["https://console.example/back"]}
    monkeypatch.setenv("ITCARE_OPENID_CLIENTS", '{"console": ["http://console.example/back"]}')
    with pytest.raises(ValidationError, match="is not https"):
        OpenIdSettings()


@pytest.mark.parametrize("name", ["console", "graphiql"])
def test_no_client_is_named_like_the_audience_of_access_tokens(name: str) -> None:
    clients = OpenIdSettings(clients={"console": ["https://console.example/back"]})
    with pytest.raises(ValidationError, match="ITCARE_AUDIENCE"):
        Settings(audience=name, openid=clients)
