"""Which media type and content coding the caller wants, and whether we can read what was sent."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers

from gateway.http.errors import NotAcceptable, UnsupportedMediaType

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"

_EXACT = 2
_LEAST = 0.001
_QUALITY = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")  # RFC 9110, section 12.4.2


def negotiate(headers: Headers) -> str:
    """Choose between our two media types by `Accept`; JSON where it leaves the choice to us.

    Of two that are wanted alike, the one that is named wins over a wildcard, and of two that are named the newer one.

    Raises:
        NotAcceptable: neither is wanted.
    """
    ranges = [_range(part) for line in headers.getlist("accept") for part in line.split(",") if part.strip()]
    if not ranges:
        return JSON
    wanted = {offer: _preference(offer, ranges) for offer in (RESPONSE_JSON, JSON)}
    (quality, precision), (json_quality, json_precision) = wanted[RESPONSE_JSON], wanted[JSON]
    if max(quality, json_quality) <= 0:
        raise NotAcceptable(f"Answers are {RESPONSE_JSON} or {JSON}.")
    if quality != json_quality:
        return RESPONSE_JSON if quality > json_quality else JSON
    return RESPONSE_JSON if precision == _EXACT or precision > json_precision else JSON


def accepts_event_stream(headers: Headers) -> bool:
    """Whether `Accept` names event streams: no wildcard means one."""
    ranges = [_range(part) for line in headers.getlist("accept") for part in line.split(",") if part.strip()]
    return any(name == EVENT_STREAM and quality > 0 for name, quality in ranges)


def accepts_json(headers: Headers) -> bool:
    """Whether `Accept` names one of our JSON types, or anything."""
    try:
        negotiate(headers)
    except NotAcceptable:
        return False
    return True


def _range(part: str) -> tuple[str, float]:
    """Read one media range and its quality, 0 if that is malformed; other parameters ask for nothing here."""
    name, *parameters = (text.strip().lower() for text in part.split(";"))
    quality = next((text for text in parameters if text.startswith("q=")), "q=1")
    match = _QUALITY.fullmatch(quality)
    return name, float(match[1]) if match else 0.0


def _preference(offer: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The quality of an offer by the most precise range that fits it, and how precise that is."""
    names = ["*/*", offer.split("/")[0] + "/*", offer]
    fitting = [(names.index(name), quality) for name, quality in ranges if name in names]
    precision, quality = max(fitting, default=(-1, 0.0))
    return quality, precision


def require_json(headers: Headers) -> None:
    """Check that a body is JSON in UTF-8, as it is.

    Raises:
        UnsupportedMediaType: it is something else, or it does not say.
    """
    name, *parameters = (text.strip().lower() for text in ",".join(headers.getlist("content-type")).split(";"))
    charsets = [text.partition("=")[2].strip('"') for text in parameters if text.startswith("charset=")]
    if name != JSON or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise UnsupportedMediaType(f"Send the request as {JSON} in UTF-8, and say so in Content-Type.")
    if any(encoding.strip().lower() != "identity" for encoding in headers.getlist("content-encoding")):
        raise UnsupportedMediaType("Send the request without Content-Encoding.")


@dataclass(frozen=True, slots=True)
class Codings:
    """How an answer may be coded: `best` is what to choose, None as it is; and what is acceptable at all."""

    best: str | None = None
    gzip: bool = False
    identity: bool = True


_UNCODED = Codings()


def accepted_codings(headers: Iterable[tuple[bytes, bytes]]) -> Codings:
    """Choose between zstd, br, gzip and none by `Accept-Encoding`, in this order where it leaves the choice to us.

    Nothing is refused: an answer as it is serves better than none, also where that was not asked for.
    """
    lines = [value for name, value in headers if name == b"accept-encoding"]
    if not lines:
        return _UNCODED
    ranges = [_range(part) for part in b",".join(lines).decode("latin-1").split(",") if part.strip()]
    named = dict(ranges)
    anything = named.get("*", 0.0)
    qualities = {
        "zstd": named.get("zstd", 0.0),
        "br": named.get("br", 0.0),
        # Who says that anything will do can read gzip, but hardly every coding there is.
        "gzip": named.get("gzip", anything),
        "identity": named.get("identity", named.get("*", _LEAST)),
    }
    best = max(qualities, key=qualities.__getitem__)
    is_coded = best != "identity" and qualities[best] > 0
    return Codings(best if is_coded else None, qualities["gzip"] > 0, qualities["identity"] > 0)
