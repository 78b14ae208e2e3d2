"""The second factors that there are, composed: which kinds can be set up and answered, and what reaches people."""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.routing import Route

from auth.issuer import Issuer
from auth.mfa.factor import FactorMethod
from auth.mfa.phone import Phone
from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import Totp
from auth.tables import FactorKind
from auth.tokens import TokenVerifier
from gateway.auditing import Audit
from gateway.http.factors import Calling, Enrolling, StepUp, TotpEnroller
from gateway.http.factors.phone import PhoneCalls, PhoneEnroller
from gateway.http.factors.voice import TwilioVoice, read_token
from gateway.keys import mfa_key
from gateway.mail import Mailer
from gateway.mfa_records import records_of
from gateway.notices import alerts_of, notices_of
from gateway.pages.factors import Offer
from gateway.pages.offers import phone_offer, totp_offer
from gateway.settings import Settings
from resolvers.database import Database, unavailable
from resolvers.egress import Egress


@dataclass
class SecondFactors:
    """Methods, how they are offered, who answers callers, and routes; to be closed."""

    calling: Calling
    methods: list[FactorMethod] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    voice: TwilioVoice | None = None

    async def close(self) -> None:
        """Close the connections to what reaches people."""
        if self.voice is not None:
            await self.voice.close()


def second_factors(
    settings: Settings,
    database: Database,
    tokens: TokenVerifier,
    issuer: Callable[[], Issuer],
    audit: Audit,
    mailer: Mailer,
) -> SecondFactors:
    """Compose what the settings name; people are told by `mailer` of what happens to their factors.

    Raises:
        KeyFileError: a key or a token cannot be used.
    """
    seal = SecretSeal([mfa_key(settings)])
    seconds, record_for = settings.limits.seconds, records_of(audit)
    on_event = notices_of(mailer, settings.public_url)
    calling = Calling(
        database, tokens, seconds=seconds, translate=unavailable, record_for=record_for, on_event=on_event
    )
    made = SecondFactors(calling, [Totp(seal)], [totp_offer(TotpEnroller(seal))])
    made.voice = _voice(settings)
    if made.voice is not None:
        made.methods.append(Phone(seal, made.voice))
        made.offers.append(phone_offer(PhoneEnroller(seal, made.voice, settings.phone.countries)))
        calls = PhoneCalls(
            database,
            seal,
            made.voice,
            seconds=seconds,
            translate=unavailable,
            record_for=record_for,
            alert=alerts_of(mailer, settings.public_url, FactorKind.PHONE),
        )
        made.routes += calls.routes()
    enrolling = Enrolling(calling, [offer.enroller for offer in made.offers])
    made.routes += [*StepUp(calling, issuer, made.methods).routes(), *enrolling.routes()]
    return made


def _voice(settings: Settings) -> TwilioVoice | None:
    given = settings.phone
    if given.account is None or given.token_file is None or given.number is None:
        return None  # which of them go together is checked with the settings
    egress = Egress(settings.egress_hosts, plain_loopback=settings.egress_plain_loopback)
    token = read_token(given.token_file)
    return TwilioVoice(given.api_url, given.account, token, given.number, settings.public_url, egress)
