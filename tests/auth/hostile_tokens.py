"""Tokens that must be refused, each by name.

`ours_alone` is None where joserfc refuses the token too. Where joserfc by itself accepts it, the field names the rule
of this product that refuses it: no standard obliges a library to.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization

from tests.auth.mint import ABSENT, AUDIENCE, ISSUER, P256_ORDER, SECONDS, SUBJECT, Mint, as_json, decode, encode

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

SHORT = "a token is at most 8 KiB"
OWN_HEADER = "a header holds alg, kid and typ, nothing else"
OWN_TYPE = "typ is at+jwt or JWT, exactly"
NO_CRIT = "no crit at all"
ONE_VALUE = "no member is given twice"
WHOLE_SECONDS = "times are whole seconds"
ORDERED = "exp is after iat"
ACCOUNT_ID = "sub is a UUID in its one spelling"
OWN_CLAIMS = "mfa_time, amr and acr have a type"
PRINTABLE = "what is logged and stored is short printable text"
PLAIN_JSON = "JSON is UTF-8 without a byte order mark, NaN or Infinity"


@dataclass(frozen=True)
class Hostile:
    name: str
    build: Callable[[Mint], str]
    ours_alone: str | None = None


def loosened(part: str) -> str:
    """`part` with a bit set that decoding drops."""
    return part[:-1] + ALPHABET[ALPHABET.index(part[-1]) | 1]


def spaced(content: bytes) -> bytes:
    """The same JSON, its length such that its base64url has bits to spare."""
    return content + b" " * (-(len(content) - 1) % 3)


def shared_secret(mint: Mint, secret: bytes, algorithm: str = "HS256") -> str:
    signing_input = mint.signing_input(mint.header(alg=algorithm))
    return f"{signing_input}.{encode(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


def unencoded_payload(mint: Mint) -> str:
    """RFC 7797: the payload is signed as it is."""
    header = encode(as_json(mint.header(b64=False, crit=["b64"])))
    return (
        f"{header}.{encode(as_json(mint.claims()))}.{encode(mint.signature(f'{header}.{json.dumps(mint.claims())}'))}"
    )


def strangers_own_key(mint: Mint, **header: object) -> str:
    return mint.signed(mint.signing_input(mint.header(**header)), mint.stranger_key)


def strangers_jwk(mint: Mint) -> dict[str, object]:
    numbers = mint.stranger_key.public_key().public_numbers()
    x, y = (encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def claims_text(mint: Mint, **changes: str) -> bytes:
    """The claims with some values written as raw JSON text."""
    members = {name: json.dumps(value) for name, value in mint.claims().items()} | changes
    return ("{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}").encode()


def signed_text(mint: Mint, **changes: str) -> str:
    return mint.token_of(mint.header(), claims_text(mint, **changes))


def without_first_part(token: str) -> str:
    return token.partition(".")[2]


def padded(mint: Mint, index: int) -> str:
    parts = [encode(spaced(as_json(part))) for part in (mint.header(), mint.claims())]
    parts[index] += "=="
    return mint.signed(".".join(parts))


def loose_part(mint: Mint, index: int) -> str:
    parts = [encode(spaced(as_json(part))) for part in (mint.header(), mint.claims())]
    parts[index] = loosened(parts[index])
    return mint.signed(".".join(parts))


def plain_base64(mint: Mint) -> str:
    header, payload = as_json(mint.header()), as_json(mint.claims(note="~~~???"))
    signing_input = f"{encode(header)}.{encode(payload).replace('-', '+').replace('_', '/')}"
    assert set("+/") & set(signing_input)
    return mint.signed(signing_input)


def flattened(mint: Mint) -> str:
    protected, payload, signature = mint.token().split(".")
    return json.dumps({"protected": protected, "payload": payload, "signature": signature})


def swapped(mint: Mint) -> str:
    header, _, signature = mint.token().split(".")
    return f"{header}.{encode(as_json(mint.claims(sub='0198c1a2-0000-7000-8000-000000000000')))}.{signature}"


def widened(mint: Mint) -> bytes:
    signature = mint.signature(mint.signing_input())
    return b"\0" + signature[:32] + b"\0" + signature[32:]


SHAPES = [
    Hostile("nothing", lambda m: ""),
    Hostile("dots alone", lambda m: ".."),
    Hostile("a word", lambda m: "secret"),
    Hostile("two parts", lambda m: m.signing_input()),
    Hostile("the payload and the signature alone", lambda m: without_first_part(m.token())),
    Hostile("four parts", lambda m: m.token() + ".AAAA"),
    Hostile("five parts, as an encrypted token has", lambda m: m.token() + ".AAAA.AAAA"),
    Hostile("a dot at the end", lambda m: m.token() + "."),
    Hostile("a dot at the start", lambda m: "." + m.token()),
    Hostile("the scheme before the token", lambda m: "Bearer " + m.token()),
    Hostile("a space before it", lambda m: " " + m.token()),
    Hostile("a line feed after it", lambda m: m.token() + "\n"),
    Hostile("a line feed in the signature", lambda m: m.token()[:-4] + "\n" + m.token()[-4:]),
    Hostile("a tab before a dot", lambda m: m.token().replace(".", "\t.", 1)),
    Hostile("a NUL after it", lambda m: m.token() + "\0"),
    Hostile("padding after the signature", lambda m: m.token() + "=="),
    Hostile("padding after a signed header", lambda m: padded(m, 0)),
    Hostile("padding after a signed payload", lambda m: padded(m, 1)),
    Hostile("a loose last character of the signature", lambda m: loosened(m.token())),
    Hostile("a loose last character of a signed header", lambda m: loose_part(m, 0)),
    Hostile("a loose last character of a signed payload", lambda m: loose_part(m, 1)),
    Hostile("the other base64 alphabet", plain_base64),
    Hostile("a letter beyond ASCII", lambda m: m.token()[:-1] + "é"),
    Hostile("full-width letters", lambda m: m.token().replace("e", "\uff45", 1)),
    Hostile("an unpaired surrogate", lambda m: m.token() + "\ud800"),
    Hostile("more than 8 KiB, well signed", lambda m: m.token(note="x" * 8192), SHORT),
    Hostile("a JSON serialization", flattened),
    Hostile("no signature", lambda m: m.signing_input() + "."),
    Hostile("no payload", lambda m: m.signed(encode(as_json(m.header())) + ".")),
    Hostile("no header", lambda m: m.signed("." + encode(as_json(m.claims())))),
]


ALGORITHMS = [
    Hostile("alg none without a signature", lambda m: m.signing_input(m.header(alg="none")) + "."),
    Hostile("alg NONE without a signature", lambda m: m.signing_input(m.header(alg="NONE")) + "."),
    Hostile("alg nOnE without a signature", lambda m: m.signing_input(m.header(alg="nOnE")) + "."),
    Hostile("alg none with a good signature", lambda m: m.headed(alg="none")),
    Hostile(
        "HS256 with our public PEM as the secret",
        lambda m: shared_secret(m, m.public_bytes(serialization.Encoding.PEM)),
    ),
    Hostile(
        "HS256 with our public DER as the secret",
        lambda m: shared_secret(m, m.public_bytes(serialization.Encoding.DER)),
    ),
    Hostile(
        "HS256 with our JWK as the secret", lambda m: shared_secret(m, json.dumps(m.signing_key.to_jwk()).encode())
    ),
    Hostile("HS256 with an empty secret", lambda m: shared_secret(m, b"")),
    Hostile("ES256 in the header over an HMAC", lambda m: shared_secret(m, b"", "ES256")),
    Hostile("no alg", lambda m: m.headed(alg=ABSENT)),
    Hostile("alg null", lambda m: m.headed(alg=None)),
    Hostile("alg a list", lambda m: m.headed(alg=["ES256"])),
    Hostile("alg a number", lambda m: m.headed(alg=256)),
    Hostile("alg an object", lambda m: m.headed(alg={"ES256": True})),
    Hostile("alg in lower case", lambda m: m.headed(alg="es256")),
    Hostile("alg with a space", lambda m: m.headed(alg="ES256 ")),
    Hostile("alg ES384 over an ES256 signature", lambda m: m.headed(alg="ES384")),
    Hostile("alg ES256K", lambda m: m.headed(alg="ES256K")),
    Hostile("alg EdDSA", lambda m: m.headed(alg="EdDSA")),
    Hostile("alg RS256 with the kid of our P-256 key", lambda m: m.rsa_token(kid=m.signing_key.kid)),
    Hostile("alg ES256 with the kid of our RSA key", lambda m: m.headed(kid=m.rsa_verification_key.kid)),
    Hostile("PS256 by our RSA key", lambda m: m.rsa_token(pss=True, alg="PS256")),
    Hostile("RS256 in the header over a PSS signature", lambda m: m.rsa_token(pss=True)),
    Hostile("RS512 by our RSA key", lambda m: m.rsa_token(hashes.SHA512(), alg="RS512")),
    Hostile("RS256 in the header over SHA-1", lambda m: m.rsa_token(hashes.SHA1())),  # noqa: S303
    Hostile("a key-wrapping alg", lambda m: m.headed(alg="ECDH-ES")),
]

HEADERS = [
    Hostile("no kid", lambda m: m.headed(kid=ABSENT)),
    Hostile("an unknown kid", lambda m: m.headed(kid="another")),
    Hostile("an empty kid", lambda m: m.headed(kid="")),
    Hostile("kid null", lambda m: m.headed(kid=None)),
    Hostile("kid a number", lambda m: m.headed(kid=1)),
    Hostile("kid a list", lambda m: m.headed(kid=[m.signing_key.kid])),
    Hostile("kid a path", lambda m: m.headed(kid="../../../../dev/null")),
    Hostile("kid a piece of SQL", lambda m: m.headed(kid="' UNION SELECT 'key' --")),
    Hostile("no typ", lambda m: m.headed(typ=ABSENT), OWN_TYPE),
    Hostile("typ null", lambda m: m.headed(typ=None)),
    Hostile("typ a list", lambda m: m.headed(typ=["at+jwt"])),
    Hostile("typ of a logout token", lambda m: m.headed(typ="logout+jwt"), OWN_TYPE),
    Hostile("typ of a proof of possession", lambda m: m.headed(typ="dpop+jwt"), OWN_TYPE),
    Hostile("typ of an encrypted token", lambda m: m.headed(typ="JWE"), OWN_TYPE),
    Hostile("typ in another case", lambda m: m.headed(typ="AT+JWT"), OWN_TYPE),
    Hostile("crit with an unknown extension", lambda m: m.headed(crit=["exp2"], exp2=1)),
    Hostile("crit with a member that is not there", lambda m: m.headed(crit=["exp2"])),
    Hostile("crit with a known member", lambda m: m.headed(crit=["typ"]), NO_CRIT),
    Hostile("crit empty", lambda m: m.headed(crit=[]), NO_CRIT),
    Hostile("crit null", lambda m: m.headed(crit=None)),
    Hostile("crit a text", lambda m: m.headed(crit="exp")),
    Hostile("an unencoded payload", unencoded_payload),
    Hostile("b64 false without crit", lambda m: m.headed(b64=False)),
    Hostile("b64 true with crit", lambda m: m.headed(b64=True, crit=["b64"]), NO_CRIT),
    Hostile("jku beside a good signature", lambda m: m.headed(jku="https://evil.example/jwks.json"), OWN_HEADER),
    Hostile("jku of a stranger", lambda m: strangers_own_key(m, jku="https://evil.example/jwks.json")),
    Hostile("x5u beside a good signature", lambda m: m.headed(x5u="https://evil.example/chain.pem"), OWN_HEADER),
    Hostile("jwk of a stranger", lambda m: strangers_own_key(m, jwk=strangers_jwk(m))),
    Hostile("jwk of a stranger without kid", lambda m: strangers_own_key(m, jwk=strangers_jwk(m), kid=ABSENT)),
    Hostile("our own jwk", lambda m: m.headed(jwk=dict(m.signing_key.to_jwk())), OWN_HEADER),
    Hostile("x5c beside a good signature", lambda m: m.headed(x5c=["MIIB"]), OWN_HEADER),
    Hostile("cty of a nested token", lambda m: m.headed(cty="JWT"), OWN_HEADER),
    Hostile("zip", lambda m: m.headed(zip="DEF")),
    Hostile("a header member given twice", lambda m: m.token(b'{"alg":"none",' + as_json(m.header())[1:]), ONE_VALUE),
    Hostile("a header that is a list", lambda m: m.token(b'["ES256"]')),
    Hostile("a header that is a text", lambda m: m.token(b'"ES256"')),
    Hostile("a header that is a number", lambda m: m.token(b"1")),
    Hostile("a header that is null", lambda m: m.token(b"null")),
    Hostile("a header that is no JSON", lambda m: m.token(b"{alg:ES256}")),
    Hostile("a header with text after it", lambda m: m.token(as_json(m.header()) + b"{}")),
    Hostile("a header with a byte order mark", lambda m: m.token(b"\xef\xbb\xbf" + as_json(m.header())), PLAIN_JSON),
    Hostile("a header in UTF-16", lambda m: m.token(as_json(m.header()).decode().encode("utf-16")), PLAIN_JSON),
    Hostile("a header that is not UTF-8", lambda m: m.token(b'{"alg":"ES256","kid":"\xff"}')),
    Hostile("a header with an unpaired surrogate", lambda m: m.token(b'{"alg":"ES256","typ":"JWT","kid":"\\ud800"}')),
    Hostile("a header 2,000 levels deep", lambda m: m.token(b"[" * 2000 + b"]" * 2000)),
]

SIGNATURES = [
    Hostile("a signature by a stranger", strangers_own_key),
    Hostile("a signature of another token", lambda m: m.with_signature(decode(m.token(jti="2").split(".")[2]))),
    Hostile("another payload under a signature", swapped),
    Hostile("r and s zero", lambda m: m.with_signature(bytes(64))),
    Hostile("r and s one", lambda m: m.with_signature((1).to_bytes(32, "big") * 2)),
    Hostile("r and s the order of the curve", lambda m: m.with_signature(P256_ORDER.to_bytes(32, "big") * 2)),
    Hostile("r and s all ones", lambda m: m.with_signature(b"\xff" * 64)),
    Hostile("a signature one byte short", lambda m: m.with_signature(m.signature(m.signing_input())[:-1])),
    Hostile("a signature one byte long", lambda m: m.with_signature(m.signature(m.signing_input()) + b"\0")),
    Hostile("a signature with zeros before r and s", lambda m: m.with_signature(widened(m))),
    Hostile("a signature in DER", lambda m: m.with_signature(m.der_signature())),
    Hostile(
        "a signature of the payload alone",
        lambda m: f"{m.signing_input()}.{encode(m.signature(m.token().split('.')[1]))}",
    ),
]


PAYLOADS = [
    Hostile("a payload that is a list", lambda m: m.token_of(m.header(), b"[]")),
    Hostile("a payload that is a text", lambda m: m.token_of(m.header(), b'"sub"')),
    Hostile("a payload that is a number", lambda m: m.token_of(m.header(), b"1")),
    Hostile("a payload that is null", lambda m: m.token_of(m.header(), b"null")),
    Hostile("a payload that is no JSON", lambda m: m.token_of(m.header(), b"{sub:1}")),
    Hostile("a payload that is a token", lambda m: m.token_of(m.header(), m.token().encode())),
    Hostile("a payload with text after it", lambda m: m.token_of(m.header(), as_json(m.claims()) + b" x")),
    Hostile(
        "a payload in UTF-16", lambda m: m.token_of(m.header(), claims_text(m).decode().encode("utf-16")), PLAIN_JSON
    ),
    Hostile(
        "a payload that is not UTF-8",
        lambda m: m.token_of(m.header(), claims_text(m, note='"?"').replace(b"?", b"\xff")),
    ),
    Hostile(
        "a payload with a byte order mark",
        lambda m: m.token_of(m.header(), b"\xef\xbb\xbf" + claims_text(m)),
        PLAIN_JSON,
    ),
    Hostile("a payload 2,500 levels deep", lambda m: signed_text(m, sub="[" * 2500 + "]" * 2500)),
    Hostile("a payload with NaN", lambda m: signed_text(m, note="NaN"), PLAIN_JSON),
    Hostile("a payload with Infinity", lambda m: signed_text(m, note="-Infinity"), PLAIN_JSON),
    Hostile("an empty payload object", lambda m: m.token_of(m.header(), b"{}")),
    Hostile("sub given twice", lambda m: m.token_of(m.header(), b'{"sub":"x",' + claims_text(m)[1:]), ONE_VALUE),
    Hostile("exp given twice", lambda m: m.token_of(m.header(), b'{"exp":1,' + claims_text(m)[1:]), ONE_VALUE),
    Hostile("a nested member given twice", lambda m: signed_text(m, note='{"a":1,"a":2}'), ONE_VALUE),
]

ISSUERS = [
    Hostile("no iss", lambda m: m.token(iss=ABSENT)),
    Hostile("iss null", lambda m: m.token(iss=None)),
    Hostile("another iss", lambda m: m.token(iss="https://evil.example")),
    Hostile("iss with a slash after it", lambda m: m.token(iss=ISSUER + "/")),
    Hostile("iss in upper case", lambda m: m.token(iss=ISSUER.upper())),
    Hostile("iss a list", lambda m: m.token(iss=[ISSUER])),
    Hostile("no aud", lambda m: m.token(aud=ABSENT)),
    Hostile("aud null", lambda m: m.token(aud=None)),
    Hostile("another aud", lambda m: m.token(aud="other")),
    Hostile("aud a part of ours", lambda m: m.token(aud=AUDIENCE[:6])),
    Hostile("aud an empty list", lambda m: m.token(aud=[])),
    Hostile("aud a list without ours", lambda m: m.token(aud=["a", "b"])),
    Hostile("aud a list with a number", lambda m: m.token(aud=[AUDIENCE, 1])),
    Hostile("aud an object", lambda m: m.token(aud={AUDIENCE: 1})),
    Hostile("aud a number", lambda m: m.token(aud=1)),
]

TIMES = [
    Hostile("no exp", lambda m: m.token(exp=ABSENT)),
    Hostile("exp null", lambda m: m.token(exp=None)),
    Hostile("exp a text", lambda m: m.token(exp=str(SECONDS + 840))),
    Hostile("exp a fraction", lambda m: m.token(exp=SECONDS + 840.5), WHOLE_SECONDS),
    Hostile("exp a float with no fraction", lambda m: signed_text(m, exp=f"{SECONDS + 840}.0"), WHOLE_SECONDS),
    Hostile("exp in exponent form", lambda m: signed_text(m, exp="2e9"), WHOLE_SECONDS),
    Hostile("exp true", lambda m: m.token(exp=True)),
    Hostile("exp NaN", lambda m: signed_text(m, exp="NaN")),
    Hostile("exp Infinity", lambda m: signed_text(m, exp="Infinity")),
    Hostile("exp beyond a float", lambda m: signed_text(m, exp="1e400")),
    Hostile("exp beyond the calendar", lambda m: m.token(exp=10**30), WHOLE_SECONDS),
    Hostile("exp of 5,000 digits", lambda m: signed_text(m, exp="9" * 5000)),
    Hostile("exp negative", lambda m: m.token(exp=-1)),
    Hostile("exp an hour ago", lambda m: m.token(iat=SECONDS - 7200, exp=SECONDS - 3600)),
    Hostile("exp equal to iat", lambda m: m.token(iat=SECONDS, exp=SECONDS), ORDERED),
    Hostile("exp before iat", lambda m: m.token(iat=SECONDS + 10, exp=SECONDS + 5), ORDERED),
    Hostile("no iat", lambda m: m.token(iat=ABSENT)),
    Hostile("iat null", lambda m: m.token(iat=None)),
    Hostile("iat a text", lambda m: m.token(iat="yesterday")),
    Hostile("iat a fraction", lambda m: m.token(iat=SECONDS - 0.5), WHOLE_SECONDS),
    Hostile("iat false", lambda m: m.token(iat=False)),
    Hostile("iat negative", lambda m: m.token(iat=-1), WHOLE_SECONDS),
    Hostile("iat an hour ahead", lambda m: m.token(iat=SECONDS + 3600, exp=SECONDS + 7200)),
    Hostile(
        "iat an hour ahead of nbf and mfa_time",
        lambda m: m.token(iat=SECONDS + 3600, nbf=SECONDS, mfa_time=SECONDS, exp=SECONDS + 7200),
    ),
    Hostile("nbf an hour ahead", lambda m: m.token(nbf=SECONDS + 3600)),
    Hostile("nbf a text", lambda m: m.token(nbf="0")),
    Hostile("nbf a fraction", lambda m: m.token(nbf=SECONDS - 0.5), WHOLE_SECONDS),
    Hostile("nbf true", lambda m: m.token(nbf=True)),
    Hostile("nbf null", lambda m: m.token(nbf=None)),
]

CALLERS = [
    Hostile("no sub", lambda m: m.token(sub=ABSENT)),
    Hostile("sub null", lambda m: m.token(sub=None)),
    Hostile("sub empty", lambda m: m.token(sub="")),
    Hostile("sub a number", lambda m: m.token(sub=SUBJECT.int)),
    Hostile("sub a list", lambda m: m.token(sub=[str(SUBJECT)])),
    Hostile("sub an e-mail address", lambda m: m.token(sub="pow@demo.example"), ACCOUNT_ID),
    Hostile("sub in upper case", lambda m: m.token(sub=str(SUBJECT).upper()), ACCOUNT_ID),
    Hostile("sub without hyphens", lambda m: m.token(sub=SUBJECT.hex), ACCOUNT_ID),
    Hostile("sub in braces", lambda m: m.token(sub=f"{{{SUBJECT}}}"), ACCOUNT_ID),
    Hostile("sub as a URN", lambda m: m.token(sub=SUBJECT.urn), ACCOUNT_ID),
    Hostile("sub with a space after it", lambda m: m.token(sub=f"{SUBJECT} "), ACCOUNT_ID),
    Hostile("sub in digits of another script", lambda m: m.token(sub=str(SUBJECT).replace("1", "\u0661")), ACCOUNT_ID),
    Hostile("jti a number", lambda m: m.token(jti=1)),
    Hostile("jti empty", lambda m: m.token(jti=""), PRINTABLE),
    Hostile("jti null", lambda m: m.token(jti=None)),
    Hostile("jti with a NUL", lambda m: m.token(jti="a\0b"), PRINTABLE),
    Hostile("jti with a line feed", lambda m: m.token(jti="a\nforged log line"), PRINTABLE),
    Hostile("jti with an unpaired surrogate", lambda m: m.token(jti="\ud800"), PRINTABLE),
    Hostile("jti of 256 characters", lambda m: m.token(jti="x" * 256), PRINTABLE),
    Hostile("mfa_time a text", lambda m: m.token(mfa_time=str(SECONDS)), OWN_CLAIMS),
    Hostile("mfa_time a fraction", lambda m: m.token(mfa_time=SECONDS - 0.5), OWN_CLAIMS),
    Hostile("mfa_time true", lambda m: m.token(mfa_time=True), OWN_CLAIMS),
    Hostile("mfa_time null", lambda m: m.token(mfa_time=None), OWN_CLAIMS),
    Hostile("mfa_time negative", lambda m: m.token(mfa_time=-1), OWN_CLAIMS),
    Hostile("mfa_time an hour ahead", lambda m: m.token(mfa_time=SECONDS + 3600), OWN_CLAIMS),
    Hostile("mfa_time beyond the calendar", lambda m: m.token(mfa_time=10**30), OWN_CLAIMS),
    Hostile("amr a text", lambda m: m.token(amr="otp"), OWN_CLAIMS),
    Hostile("amr null", lambda m: m.token(amr=None), OWN_CLAIMS),
    Hostile("amr a list with a number", lambda m: m.token(amr=["otp", 1]), OWN_CLAIMS),
    Hostile("amr an object", lambda m: m.token(amr={"otp": True}), OWN_CLAIMS),
    Hostile("acr a number", lambda m: m.token(acr=2), OWN_CLAIMS),
    Hostile("acr null", lambda m: m.token(acr=None), OWN_CLAIMS),
]

HOSTILE_TOKENS = SHAPES + ALGORITHMS + HEADERS + SIGNATURES + PAYLOADS + ISSUERS + TIMES + CALLERS
