"""Which URLs a client may be registered with, and which it is sent back to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.identity.public_clients import PublicClients, client_refusal

CLIENTS = PublicClients(
    {
        "app": ["http://127.0.0.1/back?a=b", "http://[::1]:8080/back", "com.example.app:/back"],
        "site": ["https://site.example/back"],
    }
)


@pytest.mark.parametrize(
    "uri",
    [
        "https://site.example/back",
        "https://site.example:8443/back?a=b",
        "http://127.0.0.1/back",
        "http://127.0.0.1:8080/back",
        "http://[::1]/back",
        "http://localhost:5173/back",
        "com.example.app:/back",
    ],
)
def test_a_client_is_registered_with_urls_that_reach_it_alone(uri: str) -> None:
    assert client_refusal("site", [uri]) is None
    assert PublicClients({"site": [uri]}).is_sent_back_to("site", uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/back",
        "https:///back",
        "http://site.example/back",
        "http://127.0.0.1.site.example/back",
        "https://site.example/back#",
        "https://site.example/back#there",
        "https://user@site.example/back",
        "http://127.0.0.1@site.example/back",
        "https://site.example/a back",
        "https://site.example/zur\u00fcck",
        "https://[::1/back",
        "https://site.example:port/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://site.example/" + "b" * 2000,
    ],
)
def test_a_client_is_registered_with_no_other_url(uri: str) -> None:
    assert client_refusal("site", ["https://site.example/back", uri]) is not None


@pytest.mark.parametrize("client_id", ["", "Site", "a site", "s" * 64, "6f9619ff-8b86-4011-b42d-00c04fc964ff", "é"])
def test_a_client_has_a_short_name_that_is_no_accounts(client_id: str) -> None:
    assert client_refusal(client_id, ["https://site.example/back"]) is not None


def test_a_client_needs_a_url() -> None:
    assert client_refusal("site", []) == "the client site needs a URL to be sent back to"


@given(port=st.integers(min_value=1, max_value=65535))
def test_an_app_takes_any_port_of_its_loopback_address(port: int) -> None:
    assert CLIENTS.is_sent_back_to("app", f"http://127.0.0.1:{port}/back?a=b")
    assert CLIENTS.is_sent_back_to("app", f"http://[::1]:{port}/back")
    assert not CLIENTS.is_sent_back_to("app", f"https://127.0.0.1:{port}/back?a=b")
    assert not CLIENTS.is_sent_back_to("site", f"https://site.example:{port}/back")


@given(uri=st.text() | st.text("/:@?#.127[]hpback", max_size=40).map(lambda rest: f"http://127.0.0.1{rest}"))
def test_no_other_url_is_taken_for_one_that_is_registered(uri: str) -> None:
    """Whatever it is, no error; and what is taken leads to the machine itself, or is registered letter by letter."""
    if CLIENTS.is_sent_back_to("app", uri):
        assert uri.startswith(
            ("http://127.0.0.1:", "http://127.0.0.1/back?a=b", "http://[::1]", "com.example.app:/back")
        )
        assert uri.endswith(("/back?a=b", "/back"))
        assert "@" not in uri


def test_nobody_is_sent_anywhere_for_an_unknown_client() -> None:
    assert "other" not in CLIENTS
    assert not CLIENTS.is_sent_back_to("other", "https://site.example/back")


def test_pages_may_send_forms_on_to_where_clients_are() -> None:
    assert CLIENTS.origins == ["com.example.app:", "http://127.0.0.1:*", "http://[::1]:*", "https://site.example"]
