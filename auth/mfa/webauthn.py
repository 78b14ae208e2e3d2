"""Passkeys (WebAuthn): a key pair that an authenticator makes for our origin, and signs with once it knows its person.

What a browser sends is believed only if it is for our origin and our relying party, if the authenticator says that it
verified its person, if the signature is good, and if it answers the challenge that was put last; that one is used up by
looking at the answer, right or wrong. py_webauthn reads and verifies it.

What is put to an authenticator is a digest of bytes that are drawn for one challenge, and, of an operation, of its own
digest. So the authenticator signs which operation it is, and an answer for one is none for another.

An authenticator that counts must count on: a count that was there before means that there may be two of it.
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Text, bindparam, select, update
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict, parse_attestation_object, parse_client_data_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.mfa.deliveries import deliver, take_expected
from auth.mfa.enrolment import Confirmation, FactorHolder, begin_enrolment, confirm_enrolment
from auth.mfa.errors import TooManyFactors
from auth.mfa.factor import Challenge, Prompt, Verdict
from auth.mfa.recording import Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.usable import usable
from auth.statements import Fetch, Statement
from auth.tables import Factor, FactorKind, table

MOST_PASSKEYS: Final = 10
MOST_ANSWER: Final = 12_000
"""Characters of what a browser answers; RSA keys and attestations take a few thousand."""
MOST_LABEL: Final = 100
LABEL: Final = "Passkey"
RP_NAME: Final = "ITCare"
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
]
_FORMATS: Final = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})
"""Attestations that browsers pass on although none is asked for: none, or an authenticator's about itself."""
_NONCE_BYTES: Final = 32
_CHALLENGE: Final = b"itcare passkey challenge 1 "

FACTOR = table(Factor)
_PASSKEYS = (FACTOR.c.account_id == bindparam("of_account"), FACTOR.c.kind == FactorKind.WEBAUTHN.value)
CONFIRMED = Statement(select(FACTOR.c.id, FACTOR.c.secret).where(*_PASSKEYS, FACTOR.c.confirmed_at.is_not(None)))
SERVING = Statement(select(FACTOR.c.id, FACTOR.c.secret).where(*_PASSKEYS, usable()))
KEEP = Statement(update(FACTOR).where(FACTOR.c.id == bindparam("of_factor")).values(secret=bindparam("sealed")))
NAME = Statement(
    update(FACTOR).where(FACTOR.c.id == bindparam("of_factor")).values(label=bindparam("new_label", type_=Text()))
)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who passkeys are for: the host that browsers reach us at (`id`), and the origin that they must be used from."""

    id: str
    origin: str

    @classmethod
    def at(cls, url: str) -> Self | None:
        """Give it for the address of the gateway; None if browsers use no passkeys there.

        They do on https, and on http on their own machine, and never with an address in the place of a name.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        is_local = host == "localhost" or host.endswith(".localhost")
        if not host or _is_address(host) or not (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
            return None
        default = {"http": 80, "https": 443}[parts.scheme]
        return cls(host, f"{parts.scheme}://{host}{'' if port in (None, default) else f':{port}'}")


@dataclass(frozen=True, slots=True)
class Passkey:
    """What is kept of a credential, sealed; its private key never leaves the authenticator."""

    id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    aaguid: str

    def written(self) -> bytes:
        """Write it to be sealed."""
        members = {
            "id": _base64(self.id),
            "publicKey": _base64(self.public_key),
            "signCount": self.sign_count,
            "transports": self.transports,
            "aaguid": self.aaguid,
        }
        return json.dumps(members).encode()

    @classmethod
    def read(cls, written: bytes) -> Self:
        """Read it again."""
        members = json.loads(written)
        return cls(
            _decoded(members["id"]),
            _decoded(members["publicKey"]),
            members["signCount"],
            tuple(members["transports"]),
            members["aaguid"],
        )

    @property
    def descriptor(self) -> PublicKeyCredentialDescriptor:
        """How a browser is told of it."""
        transports = [AuthenticatorTransport(transport) for transport in self.transports]
        return PublicKeyCredentialDescriptor(id=self.id, transports=transports or None)


@dataclass(frozen=True, slots=True)
class PasskeyEnrolment:
    """A passkey that is being set up: `options` are what a page's script passes to the browser."""

    factor_id: UUID
    options: Mapping[str, Any]
    expires_at: datetime


class Webauthn:
    """The factor of passkeys; `seal` is what their keys are sealed with."""

    kind = FactorKind.WEBAUTHN
    # Nothing says that the key is kept in hardware: no attestation is asked for, and passkeys may be synchronized.
    amr = "swk"
    most_answer = MOST_ANSWER

    def __init__(self, seal: SecretSeal, party: RelyingParty) -> None:
        self._seal = seal
        self._party = party

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> Prompt:
        """Draw what the authenticator signs; asking again takes the place of the one before."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        await deliver(fetch, self._seal, challenge, FactorKind.WEBAUTHN, nonce, now)
        serving = await fetch(SERVING, {"of_account": challenge.account_id, "at": now})
        options = generate_authentication_options(
            rp_id=self._party.id,
            challenge=bytes_to_sign(challenge, nonce),
            timeout=_milliseconds(challenge.expires_at - now),
            allow_credentials=[passkey.descriptor for _, passkey in self._opened(serving)],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Prompt("Confirm with your passkey, as your browser asks you to.", options=options_to_json_dict(options))

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
        """Say whether a passkey of the account that serves now signed what was drawn last; that serves no more."""
        nonce = await take_expected(fetch, self._seal, challenge, FactorKind.WEBAUTHN)
        credential = _object(answer)
        if nonce is None or credential is None:
            return Verdict.WRONG
        serving = await fetch(SERVING, {"of_account": challenge.account_id, "at": now})
        named = credential.get("id")
        for factor_id, passkey in self._opened(serving):
            if _base64(passkey.id) != named:
                continue
            expected = bytes_to_sign(challenge, nonce)
            count = signed(credential, passkey, expected, self._party, challenge.account_id)
            if count is None:
                return Verdict.WRONG
            if count <= passkey.sign_count and (count or passkey.sign_count):
                return Verdict.CLONED
            sealed = self._seal.seal(factor_id, replace(passkey, sign_count=count).written())
            await fetch(KEEP, {"of_factor": factor_id, "sealed": sealed})
            return Verdict.RIGHT
        return Verdict.WRONG

    def _opened(self, rows: Iterable[Any]) -> list[tuple[UUID, Passkey]]:
        return [(row["id"], Passkey.read(self._seal.open(row["id"], row["secret"]))) for row in rows]


async def begin_passkey(
    fetch: Fetch,
    seal: SecretSeal,
    party: RelyingParty,
    holder: FactorHolder,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> PasskeyEnrolment | None:
    """Draw what a new passkey signs; None if there is no right to set one up (`auth.mfa.enrolment`).

    Raises:
        TooManyFactors: there are `MOST_PASSKEYS` already.
    """
    drawn = secrets.token_bytes(_NONCE_BYTES)
    begun = await begin_enrolment(
        fetch,
        holder.account_id,
        FactorKind.WEBAUTHN,
        LABEL,
        lambda factor_id: seal.seal(factor_id, drawn),
        now,
        is_fresh=is_fresh,
        record=record,
    )
    if begun is None:
        return None
    there = await _confirmed(fetch, seal, holder.account_id)
    if len(there) >= MOST_PASSKEYS:
        raise TooManyFactors(MOST_PASSKEYS)
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=RP_NAME,
        user_id=holder.account_id.bytes,
        user_name=holder.email,
        challenge=drawn,
        timeout=_milliseconds(begun.expires_at - now),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[passkey.descriptor for passkey in there],
        supported_pub_key_algs=ALGORITHMS,
    )
    return PasskeyEnrolment(begun.factor_id, options_to_json_dict(options), begun.expires_at)


async def confirm_passkey(
    fetch: Fetch,
    seal: SecretSeal,
    party: RelyingParty,
    account_id: UUID,
    factor_id: UUID,
    answer: str,
    label: str,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> tuple[Confirmation, timedelta]:
    """Confirm a passkey by what the browser made of the options, as JSON. Gives also how long to wait, if so."""

    async def check(factor_id: UUID, sealed: bytes) -> bytes | None:
        credential = _object(answer)
        passkey = made(credential, seal.open(factor_id, sealed), party) if credential is not None else None
        if passkey is None or passkey.id in [other.id for other in await _confirmed(fetch, seal, account_id)]:
            return None
        await fetch(NAME, {"of_factor": factor_id, "new_label": label})
        return seal.seal(factor_id, passkey.written())

    return await confirm_enrolment(
        fetch,
        account_id,
        factor_id,
        FactorKind.WEBAUTHN,
        check,
        now,
        is_fresh=is_fresh,
        is_one_of_many=True,
        record=record,
    )


def bytes_to_sign(challenge: Challenge, nonce: bytes) -> bytes:
    """Give what an authenticator signs to answer a challenge: it holds for no other, and for no other operation."""
    return hashlib.sha256(_CHALLENGE + nonce + (challenge.digest or b"")).digest()


def made(credential: dict[str, Any], drawn: bytes, party: RelyingParty) -> Passkey | None:
    """Read the credential that a browser made; None if it is none of ours, or no person was verified."""
    try:
        content = _decoded(credential["response"]["attestationObject"])
        if parse_attestation_object(content).fmt not in _FORMATS or not _is_of_our_page(credential):
            return None
        found = verify_registration_response(
            credential=credential,
            expected_challenge=drawn,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except Exception:  # noqa: BLE001  # the library raises many things; whatever it cannot read is no answer
        return None
    transports = credential["response"].get("transports")
    known = {transport.value for transport in AuthenticatorTransport}
    return Passkey(
        found.credential_id,
        found.credential_public_key,
        found.sign_count,
        tuple(sorted(known.intersection(filter(_is_text, transports)))) if isinstance(transports, list) else (),
        found.aaguid,
    )


def signed(
    credential: dict[str, Any], passkey: Passkey, expected: bytes, party: RelyingParty, account_id: UUID
) -> int | None:
    """Give the count of an authenticator that signed what was expected; None if it did not, or verified no person."""
    try:
        handle = credential["response"].get("userHandle")
        if (handle is not None and _decoded(handle) != account_id.bytes) or not _is_of_our_page(credential):
            return None
        return verify_authentication_response(
            credential=credential,
            expected_challenge=expected,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # who has counted wrong is told apart from who has signed wrong
            require_user_verification=True,
        ).new_sign_count
    except Exception:  # noqa: BLE001  # the library raises many things; whatever it cannot read is no answer
        return None


async def _confirmed(fetch: Fetch, seal: SecretSeal, account_id: UUID) -> list[Passkey]:
    rows = await fetch(CONFIRMED, {"of_account": account_id})
    return [Passkey.read(seal.open(row["id"], row["secret"])) for row in rows]


def _is_of_our_page(credential: dict[str, Any]) -> bool:
    """Say whether the page was ours by itself, not one that stood in another's."""
    return not parse_client_data_json(_decoded(credential["response"]["clientDataJSON"])).cross_origin


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _milliseconds(time: timedelta) -> int:
    return max(1000, int(time.total_seconds() * 1000))
