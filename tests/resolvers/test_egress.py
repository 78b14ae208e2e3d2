"""What the gateway may call."""

import pytest

from resolvers.egress import Egress

EGRESS = Egress(["orchestrator.example", "other.example:8443", "127.0.0.1:9000", "[::1]:9000", "localhost:9000"])
LOOPBACK = Egress(["127.0.0.1:9000", "[::1]:9000", "localhost:9000", "plain.example:80"], plain_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://orchestrator.example/hook",
        "https://ORCHESTRATOR.example:443/",
        "https://other.example:8443/x?y=z",
        "https://127.0.0.1:9000/",
        "https://[::1]:9000/",
    ],
)
def test_https_to_what_is_listed_may_be_called(url: str) -> None:
    assert EGRESS.refusal(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://orchestrator.example/",
        "https://orchestrator.example:8443/",
        "https://orchestrator.example.evil.example/",
        "https://evil.example/?orchestrator.example",
        "https://orchestrator.example@evil.example/",
        "https://user:password@orchestrator.example/",
        "https://orchestrator.example/#fragment",
        "https://other.example/",
        "http://127.0.0.1:9000/",
        "file:///etc/passwd",
        "ftp://orchestrator.example/",
        "https://",
        "https:///hook",
        "orchestrator.example",
        "https://orchestrator.example:99999999/",
        "https://orchestrator.example\\@evil.example/",
        "https://orchestr\u0000ator.example/",
        "",
    ],
)
def test_nothing_else_may(url: str) -> None:
    refusal = EGRESS.refusal(url)
    assert refusal
    assert "example/" not in refusal
    assert "password" not in refusal


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_this_machine_may_be_called_without_tls_where_that_is_allowed(host: str) -> None:
    assert LOOPBACK.refusal(f"http://{host}:9000/hook") is None
    assert EGRESS.refusal(f"http://{host}:9000/hook") == "it is not https"
    assert LOOPBACK.refusal(f"http://{host}:9001/hook")
    assert LOOPBACK.refusal("http://plain.example/") == "it is not https"


@pytest.mark.parametrize("entry", ["", "a/b", "user@a", "a?b", "https://a", "a:x", "a#b"])
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="ITCARE_EGRESS_HOSTS"):
        Egress([entry])


BELOW = Egress(["*.push.example", "*.other.example:8443"])


@pytest.mark.parametrize(
    "url", ["https://a.push.example/", "https://A.b.PUSH.example:443/x", "https://a.other.example:8443/"]
)
def test_hosts_below_one_that_is_listed_so_may_be_called(url: str) -> None:
    assert BELOW.refusal(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://push.example/",
        "https://apush.example/",
        "https://a.push.example.evil.example/",
        "https://a.push.example:8443/",
        "https://a.other.example/",
        "http://a.push.example/",
        "https://*.push.example/",
        "https://.push.example/",
        "https://a.push.example./",
    ],
)
def test_nothing_beside_them_may(url: str) -> None:
    refusal = BELOW.refusal(url)
    assert refusal
    assert "push.example" not in refusal


@pytest.mark.parametrize("entry", ["*.", "*.example", "*", "*.*.push.example", "a.*.push.example", "*.push.example/x"])
def test_an_entry_for_hosts_below_names_a_domain(entry: str) -> None:
    with pytest.raises(ValueError, match="ITCARE_OTHER"):
        Egress([entry], setting="ITCARE_OTHER")
