"""Settings, as they come from the environment."""

import pytest

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
