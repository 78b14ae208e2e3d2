"""What indicators may look at: nothing inside, however it is written, and nothing that carries a secret."""

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.commands.targets import wrong_target
from resolvers.tables import IndicatorKind

HTTP, TCP, METRIC = IndicatorKind.HTTP, IndicatorKind.TCP, IndicatorKind.METRIC
INSIDE: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/4", "240.0.0.0/4", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8", "::ffff:10.0.0.0/104",
        "::ffff:127.0.0.0/104", "2002:7f00::/24", "2002:a00::/24", "64:ff9b::7f00:0/104",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (HTTP, "https://shop.example/health"),
        (HTTP, "HTTP://SHOP.EXAMPLE"),
        (HTTP, "http://shop.example:8080/a?b=c@d#e"),
        (HTTP, "https://bücher.example/"),
        (HTTP, "https://9.9.9.9/"),
        (HTTP, "https://[2606:4700::1111]:8443/"),
        (TCP, "db:5432"),
        (TCP, "db.example:65535"),
        (TCP, "9.9.9.9:53"),
        (TCP, "[2606:4700::1111]:443"),
        (METRIC, "filesystem_usage_percent"),
        (METRIC, "http.request-seconds:p95"),
    ],
)
def test_what_may_be_looked_at(kind: IndicatorKind, target: str) -> None:
    assert wrong_target(kind, target) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "ftp://shop.example/", "file:///etc/passwd", "http://", "http:///shop.example", "http:x",
        "http://a b/", "http://shop.example\\@10.0.0.1/", "http://shop.example/\n", "http://[::1", "http://a:99999/",
        "http://ann@shop.example/", "http://ann:secret@shop.example/", "http://@shop.example/", "http://:@shop.example/",
        "http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://2130706433/", "http://0x7f.1/",
        "http://0177.0.0.1/", "http://127.1/", "http://127%2e0.0.1/", "http://①②⑦.0.0.1/", "http://0/", "http://[::]/",
        "http://[fe80::1%25eth0]/", "http://169.254.169.254/latest/meta-data/",
    ],
)  # fmt: skip
def test_what_urls_are_refused(url: str) -> None:
    assert wrong_target(HTTP, url) is not None


@pytest.mark.parametrize(
    "address",
    [
        "", "db", "db:", ":5432", "db:0", "db:65536", "db:x", "db:1:2", "a@db:1", "db:1/", "http://db:1", "::1:80",
        "localhost:80", "127.0.0.1:80", "2130706433:80", "[::1]:80", "db:\uff11",
    ],
)  # fmt: skip
def test_what_addresses_are_refused(address: str) -> None:
    assert wrong_target(TCP, address) is not None


@pytest.mark.parametrize("name", ["", "disk usage", "1st", "a/b", "a" * 201, "é"])
def test_what_metrics_are_refused(name: str) -> None:
    assert wrong_target(METRIC, name) is not None


@given(st.sampled_from(INSIDE).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_address_inside_is_looked_at(address: IPv4Address | IPv6Address) -> None:
    host = str(address) if address.version == 4 else f"[{address}]"
    assert wrong_target(HTTP, f"http://{host}/") is not None
    assert wrong_target(TCP, f"{host}:80") is not None


@given(st.ip_addresses(v=4, network="9.0.0.0/8"), st.integers(1, 65535))
def test_addresses_of_the_internet_are_looked_at(address: IPv4Address, port: int) -> None:
    assert wrong_target(HTTP, f"http://{address}:{port}/") is None
    assert wrong_target(TCP, f"{address}:{port}") is None


@given(st.sampled_from(IndicatorKind), st.text(max_size=50))
def test_any_text_is_answered(kind: IndicatorKind, target: str) -> None:
    wrong_target(kind, target)
    wrong_target(kind, f"http://{target}")
