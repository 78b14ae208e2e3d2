"""The second factors that there are, composed: which kinds can be set up and answered, and what reaches people."""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.routing import Route

from auth.issuer import Issuer
from auth.mfa.factor import FactorMethod
from auth.mfa.phone import Phone
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import Totp
from auth.mfa.webauthn import RelyingParty, Webauthn
from auth.tables import FactorKind, now
from auth.tokens import TokenVerifier
from gateway.auditing import Audit
from gateway.devices import Devices
from gateway.http.factors import Calling, Enrolling, PasskeyEnroller, Recovering, StepUp, TotpEnroller
from gateway.http.factors.calling import OnEvent
from gateway.http.factors.enrolling import Enroller
from gateway.http.factors.phone import PhoneCalls, PhoneEnroller
from gateway.http.factors.voice import TwilioVoice, read_token
from gateway.keys import mfa_key
from gateway.mfa_records import records_of
from gateway.pages.browser import browser_of
from gateway.pages.calling import claims_of_scripts
from gateway.pages.factors import Offer
from gateway.pages.offers import device_offer, passkey_offer, phone_offer, totp_offer
from gateway.settings import Settings
from resolvers.database import Database, unavailable


@dataclass
class SecondFactors:
    """Methods, enrollers, and routes; to be closed."""

    calling: Calling
    methods: list[FactorMethod]
    enrollers: list[Enroller]
    offers: list[Offer]
    routes: list[Route] = field(default_factory=list)
    voice: TwilioVoice | None = None
    devices: Devices | None = None

    async def close(self) -> None:
        """Close the connections to what reaches people."""
        if self.devices is not None:
            await self.devices.close()
        if self.voice is not None:
            await self.voice.close()


def second_factors(
    settings: Settings,
    database: Database,
    tokens: TokenVerifier,
    issuer: Callable[[], Issuer],
    audit: Audit,
    *,
    on_event: OnEvent,
) -> SecondFactors:
    """Compose what the settings name; `on_event` is told what has happened to people's factors.

    Raises:
        KeyFileError: a key or a token cannot be used.
    """
    seal = SecretSeal([mfa_key(settings)])
    seconds, record_for = settings.limits.seconds, records_of(audit)
    calling = Calling(
        database,
        tokens,
        seconds=seconds,
        translate=unavailable,
        record_for=record_for,
        on_event=on_event,
        claims_of_browser=claims_of_scripts(browser_of(settings, database)),
    )
    made = SecondFactors(calling, [Totp(seal)], [TotpEnroller(seal)], [totp_offer(seal)])
    party = RelyingParty.at(settings.public_url)
    if party is not None:
        made.methods.insert(0, Webauthn(seal, party))
        made.enrollers.insert(0, PasskeyEnroller(seal, party))
        made.offers.insert(0, passkey_offer(seal, party))
    made.devices = Devices(settings, database, seal, translate=unavailable, record_for=record_for, on_event=on_event)
    made.methods.append(made.devices.method)
    made.enrollers.append(made.devices.enroller)
    made.offers.append(device_offer(made.devices.enroller, settings.public_url))
    made.routes += made.devices.routes()
    made.voice = _voice(settings)
    if made.voice is not None:
        made.methods.append(Phone(seal, made.voice))
        enroller = PhoneEnroller(seal, made.voice, settings.phone.countries)
        made.enrollers.append(enroller)
        made.offers.append(phone_offer(enroller))
        calls = PhoneCalls(
            database,
            seal,
            made.voice,
            seconds=seconds,
            translate=unavailable,
            record_for=record_for,
            alert=lambda holder: on_event(
                holder, MfaEvent(MfaEventKind.NOT_ME, holder.account_id, FactorKind.PHONE, now())
            ),
        )
        made.routes += calls.routes()
    made.routes += [
        *StepUp(calling, issuer, made.methods).routes(),
        *Enrolling(calling, made.enrollers).routes(),
        *Recovering(calling).routes(),
    ]
    return made


def _voice(settings: Settings) -> TwilioVoice | None:
    given = settings.phone
    if given.account is None or given.token_file is None or given.number is None:
        return None  # which of them go together is checked with the settings
    token = read_token(given.token_file)
    return TwilioVoice(given.api_url, given.account, token, given.number, settings.public_url, settings.egress)
