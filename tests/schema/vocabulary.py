"""The words that the world is made of, and that filters are made of: few, so that they meet, and awkward."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

TEXTS: Final = (
    "web-01", "Web-01", "WEB-01", "web_01", "web%01", "webx01", "web", "a", "A", "ab", "%", "_", "%%", "100%", "\\",
    "\\%", "\\_", "a\\b", "'", "''", '"', "'; --", "$1", ":x", "{}", "[]", "null", " ", "  ", " a", "a ", "\t", "!",
    "!a", "é", "É", "e\u0301", "éa", "ÉA", "ß", "ẞ", "ss", "SS", "İ", "i", "I", "\u0131", "i\u0307", "Σ", "\u03c3", "ς",
    "ΑΣ", "ας", "Ǆ", "ǅ", "ǆ", "\u212a", "k", "\u2126", "ω", "😀", "😀a", "a😀", "\U00010400", "\U00010428", "\ud7ff",
    "\ue000", "a\ud7ff", "a\ue000", "\uffff", "\U00010000", "\U0010ffff", "a\U0010ffff", "\U0010ffff\U0010ffff",
    "日本", "日本語",
)  # fmt: skip
"""Fit for names: not empty, no slash. Some differ by case alone, some stand beside the surrogates or are the last."""
TAG_KEYS: Final = ("team", "Team", "env", "%", "_", "\\", "'", "é", "😀", "\ud7ff", "\U0010ffff", "a!", " ")
TAG_VALUES: Final = ("", "a:b", ":", *TEXTS)
SERIAL: Final = "serial"
"""A tag key with a value of its own for nearly every resource: more values than a facet shows."""
ENVIRONMENTS: Final = ("production", "qa", "dev")
VLANS: Final = (1, 100, 101, 4094)
CIDRS: Final = ("10.0.0.0/24", "10.0.1.0/24", "2001:db8::/64")
ADDRESSES: Final = tuple(
    map(ip_address, ("10.0.0.1", "10.0.0.2", "10.0.1.1", "255.255.255.255", "::", "::ffff:10.0.0.1", "2001:db8::1"))
)
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
TIMES: Final = (
    datetime(1, 1, 1, tzinfo=UTC),
    EPOCH - timedelta(microseconds=1),
    EPOCH,
    EPOCH + timedelta(microseconds=1),
    EPOCH + timedelta(hours=1),
    EPOCH + timedelta(days=30),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
"""In order; few, so that many rows share one."""
ACTIONS: Final = ("CREATE_INSTANCE", "DELETE_INSTANCE", "START_INSTANCE")
