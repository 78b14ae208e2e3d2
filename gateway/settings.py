"""Settings, read once from the environment; every one has a documented default."""

import re
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from auth.foreign_tokens import MOST_ISSUER, ForeignIssuer
from auth.identity.passwords import LEAST_MEMORY_KIB, LEAST_PASSES
from auth.identity.public_clients import client_refusal
from resolvers.egress import Egress, is_loopback

_ORIGIN: Final = r"^https?://[^/?#@\s]+$"
_ISSUER: Final = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?", re.ASCII)


def split(value: object) -> object:
    """Give the parts of a text that are separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Limits(BaseSettings):
    """What one request may ask for at the most. Environment: `ITCARE_LIMIT_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_LIMIT_", env_ignore_empty=True, frozen=True)

    body_bytes: int = Field(100 * 1024, gt=0, description="Size of a request body, in bytes.")
    tokens: int = Field(2000, gt=0, description="Lexical tokens of a document.")
    depth: int = Field(12, gt=0, description="Levels of objects; edges, nodes and pageInfo are not counted.")
    introspection_depth: int = Field(16, gt=0, description="Levels of objects below __schema and __type.")
    aliases: int = Field(50, ge=0, description="Aliases of a document, fragments counted where they are spread.")
    directives: int = Field(50, ge=0, description="Directives of a document, counted likewise.")
    fragment_spreads: int = Field(1000, ge=0, description="Fragment spreads of a document, counted likewise.")
    objects: int = Field(20_000, gt=0, description="Objects an operation can return, from its page sizes.")
    seconds: float = Field(10.0, gt=0, description="Time of one operation, its SQL included.")


class WorkerSettings(BaseSettings):
    """How operations are executed. Environment: `ITCARE_WORKER_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_WORKER_", env_ignore_empty=True, frozen=True)

    concurrency: int = Field(20, ge=2, le=500, description="Operations that one worker executes at a time.")
    poll_seconds: float = Field(0.5, gt=0, le=60, description="How often a worker looks for operations to execute.")
    heartbeat_seconds: float = Field(
        30.0, ge=1, description="After how long without a sign of life the operations of a worker are taken over."
    )
    attempts: int = Field(8, ge=1, description="How often a driver that cannot be reached is asked before it is held.")
    retry_seconds: float = Field(
        1.0, gt=0, description="How long the first pause between attempts is; each doubles it."
    )
    driver: Literal["simulated", "webhook"] = Field(
        "simulated", description="What executes the steps of operations; docs/operations.md."
    )
    simulated_seconds: float = Field(2.0, ge=0, description="How long a step takes with the simulated driver.")
    simulated_failures: dict[str, str] = Field(
        {}, description="JSON: the actions and steps that fail with the simulated driver, and with what message."
    )
    simulated_unavailable: dict[str, str] = Field(
        {}, description="JSON: the actions and steps for which the simulated driver cannot be reached, and why."
    )
    webhook_url: str | None = Field(None, description="The orchestrator that the webhook driver asks.")
    webhook_keys_file: Path | None = Field(
        None, description="JSON of the keys that sign requests to the orchestrator and its reports."
    )
    webhook_callback_url: str | None = Field(
        None, description="Where the orchestrator reaches /operations/callback; told to it in each request."
    )
    webhook_seconds: float = Field(10.0, gt=0, le=300, description="How long the orchestrator may take to answer.")
    webhook_silence_seconds: float = Field(
        900.0, gt=0, description="After how long without a report the orchestrator is asked for a step again."
    )


class Live(BaseSettings):
    """How subscriptions are served. Environment: `ITCARE_LIVE_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_LIVE_", env_ignore_empty=True, frozen=True)

    retention_days: float = Field(7, ge=1, description="How long events are kept, and cursors of subscriptions valid.")
    poll_seconds: float = Field(0.05, gt=0, description="How often new events are looked for while somebody waits.")
    recheck_seconds: float = Field(
        30, gt=0, description="How often a caller to whom nothing happens is read again, for what they see newly."
    )
    init_seconds: float = Field(10, gt=0, description="How long a WebSocket may take to say who is calling.")
    send_seconds: float = Field(30, gt=0, description="How long a client may take to take a message.")
    keep_alive_seconds: float = Field(15, gt=0, description="How often a stream says that it is there.")
    subscriptions: int = Field(50, gt=0, description="Subscriptions of one WebSocket.")
    most_behind: int = Field(
        10_000, gt=0, description="How many events a subscriber may fall behind, beyond what it began with."
    )


class OpenIdSettings(BaseSettings):
    """Which programs people sign in to, and who else vouches for them. Environment: `ITCARE_OPENID_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_OPENID_", env_ignore_empty=True, frozen=True)

    clients: dict[str, list[str]] = Field(
        {}, description="JSON: public clients beside `graphiql`, by their ids, and the URLs that each is sent back to."
    )
    foreign_issuers: dict[str, ForeignIssuer] = Field(
        {}, description="JSON: the issuers whose tokens are exchanged for ours, by their URLs; docs/foreign-issuers.md."
    )

    @field_validator("clients")
    @classmethod
    def _can_be_sent_back(cls, clients: dict[str, list[str]]) -> dict[str, list[str]]:
        for client_id, uris in clients.items():
            refusal = client_refusal(client_id, uris)
            if refusal is not None:
                raise ValueError(refusal)
        return clients

    @field_validator("foreign_issuers")
    @classmethod
    def _are_urls(cls, issuers: dict[str, ForeignIssuer]) -> dict[str, ForeignIssuer]:
        if not all(_ISSUER.fullmatch(issuer) and len(issuer) <= MOST_ISSUER for issuer in issuers):
            raise ValueError(
                "an issuer is the URL that its tokens have in `iss`, without credentials, query or fragment"
            )
        return issuers


def local_url(host: str, port: int) -> str:
    """Give the URL of a gateway that listens there; one that does everywhere is reached at the machine itself, too.

    The machine itself goes by its name: browsers use no passkeys at an address.
    """
    host = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104  # not to listen there
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class PhoneSettings(BaseSettings):
    """Who places the calls of second factors. Environment: `ITCARE_PHONE_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_PHONE_", env_ignore_empty=True, frozen=True)

    account: str | None = Field(
        None, pattern=r"^\w{1,64}$", description="The account at the voice API. None: nobody is called."
    )
    token_file: Path | None = Field(None, description="The token that authenticates there, and signs what comes back.")
    number: str | None = Field(None, pattern=r"^\+[1-9]\d{6,14}$", description="The number that calls come from.")
    api_url: str = Field("https://api.twilio.com", description="The voice API, Twilio's or one of its shape.")
    countries: Annotated[list[str], NoDecode] = Field(
        ["FR"], description="Countries (ISO 3166) whose numbers are called, separated by commas."
    )

    @field_validator("countries", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip().upper() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class SignInSettings(BaseSettings):
    """How people sign in. Environment: `ITCARE_SIGN_IN_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_SIGN_IN_", env_ignore_empty=True, frozen=True)

    contact: str = Field(
        "the security representative of your organization, Service Delivery Management or your commercial contact at"
        " cegedim.cloud",
        min_length=1,
        max_length=300,
        description="Whom the sign-in page names to who has no account, as the end of a sentence.",
    )
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        [],
        description="Networks of proxies whose X-Forwarded-For is believed, separated by commas. None: the address of"
        " the connection is the client's.",
    )
    breach_file: Path | None = Field(
        None,
        description="Passwords that others have lost, as Have I Been Pwned's download has them: SHA-1 digests, sorted.",
    )
    hash_memory_kib: int = Field(
        64 * 1024, ge=LEAST_MEMORY_KIB, description="Memory of one argon2id hash of a password, in KiB."
    )
    hash_passes: int = Field(3, ge=LEAST_PASSES, description="Passes of argon2id over it.")
    hash_at_once: int = Field(2, ge=1, description="How many passwords one process hashes at a time.")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)


class MailSettings(BaseSettings):
    """How e-mail is sent. Environment: `ITCARE_MAIL_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_MAIL_", env_ignore_empty=True, frozen=True)

    host: str | None = Field(
        None, description="The SMTP server. None: nothing is sent; the demo writes e-mails into its data folder."
    )
    port: int = Field(587, gt=0, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is encrypted; none only to a server on this machine."
    )
    ca_file: Path | None = Field(
        None, description="PEM of the authorities that the server's certificate is verified by. None: the system's."
    )
    user: str | None = Field(None, description="Whom to sign in to the server as. None: without signing in.")
    password_file: Path | None = Field(None, description="The file with that user's password.")
    sender: str = Field(
        "ITCare <no-reply@itcare.invalid>", description="Whom e-mails come from, as an address or Name <address>."
    )
    seconds: float = Field(20.0, gt=0, description="How long the server may take for one e-mail.")

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        if self.host is not None and self.security == "none" and not is_loopback(self.host):
            raise ValueError("ITCARE_MAIL_SECURITY can be none only with a server on this machine")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("ITCARE_MAIL_USER and ITCARE_MAIL_PASSWORD_FILE go together")
        if not parseaddr(self.sender)[1].isascii() or "@" not in parseaddr(self.sender)[1]:
            raise ValueError("ITCARE_MAIL_SENDER is not an address, or Name <address>")
        return self


class PushSettings(BaseSettings):
    """How people's devices are notified. Environment: `ITCARE_PUSH_…`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_PUSH_", env_ignore_empty=True, frozen=True)

    key_file: Path | None = Field(
        None,
        description="PEM of the ES256 key that signs notifications; with another, each device is opened once."
        " None: generated into the data folder.",
    )
    hosts: Annotated[list[str], NoDecode] = Field(
        ["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", "*.notify.windows.com"],
        description="Hosts of push services that the gateway may call, separated by commas; *.host is every host below"
        " that one.",
    )
    contact: str | None = Field(
        None,
        pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://[^\s]+)$",
        description="Where push services can reach whoever runs the gateway, as mailto:… or https://…; Apple's asks"
        " for one. None: ITCARE_PUBLIC_URL, if that is https.",
    )
    seconds: float = Field(10.0, gt=0, le=60, description="How long a push service may take to take a notification.")

    @field_validator("hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, hosts: list[str]) -> list[str]:
        Egress(hosts, setting="ITCARE_PUSH_HOSTS")
        return hosts


class Settings(BaseSettings):
    """How the process runs. Environment: `ITCARE_…`, but for `DATABASE_URL`, `DATABASE_OWNER_URL` and `PG_BIN`."""

    model_config = SettingsConfigDict(env_prefix="ITCARE_", env_ignore_empty=True, frozen=True)

    database_url: str | None = Field(
        None, validation_alias="DATABASE_URL", description="The app's role. None: the embedded PostgreSQL."
    )
    database_owner_url: str | None = Field(
        None, validation_alias="DATABASE_OWNER_URL", description="The owner, for migrations. None: DATABASE_URL."
    )
    pg_bin: Path | None = Field(
        None, validation_alias="PG_BIN", description="Folder of PostgreSQL binaries (>= 17) for the embedded server."
    )
    data_dir: Path = Field(Path(".itcare"), description="Folder of the embedded server and of generated keys.")
    executor: Literal["breadth-first", "graphql-core"] = Field(
        "breadth-first", description="What executes queries; graphql-core's own is far slower, for comparison."
    )
    pool_size: int = Field(10, gt=0, description="Database connections of one process.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    cors_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Origins that browsers may call from, separated by commas."
    )
    demo: bool = Field(False, description="Demo accounts, `token --mfa-age` and X-Trace; never in production.")
    debug: bool = Field(False, description="Answers X-Trace: 1 with SQL statement counts and times.")
    metrics: bool = Field(False, description="Counts and times at /metrics, for Prometheus; not for the public.")
    log_json: bool = Field(False, description="One JSON object per log line.")

    public_url: str = Field(
        default_factory=lambda settings: local_url(settings["host"], settings["port"]),
        pattern=_ORIGIN,
        description="Where browsers reach the gateway, as https://host. Default: http:// and where it listens.",
    )
    issuer: str = Field(
        default_factory=lambda settings: settings["public_url"],
        pattern=_ORIGIN,
        description="`iss` of our own tokens, and what discovery calls the gateway. Default: ITCARE_PUBLIC_URL.",
    )
    audience: str = Field("itcare-gateway", description="`aud` of access tokens this gateway accepts.")
    signing_key_file: Path | None = Field(
        None, description="PEM of the ES256 signing key. None: generated into the data folder."
    )
    retired_key_files: Annotated[list[Path], NoDecode] = Field(
        [], description="PEMs of keys that sign no more and still verify, public or whole, separated by commas."
    )
    cursor_key_file: Path | None = Field(
        None, description="32 random bytes, base64, that authenticate cursors. None: generated into the data folder."
    )
    mfa_key_file: Path | None = Field(
        None,
        description="32 random bytes, base64, that seal secrets of factors and those that operations bring to a driver."
        " None: generated into the data folder.",
    )
    pepper_key_file: Path | None = Field(
        None,
        description="32 random bytes, base64, that passwords are hashed under. None: generated into the data folder.",
    )
    retired_pepper_key_files: Annotated[list[Path], NoDecode] = Field(
        [],
        description="Peppers from before, separated by commas: their passwords are hashed under the new one when"
        " people sign in.",
    )
    egress_hosts: Annotated[list[str], NoDecode] = Field(
        [], description="Hosts that the gateway may call, as host or host:port, separated by commas."
    )
    egress_plain_loopback: bool = Field(
        False, description="Lets it call hosts of this machine that are listed without TLS; for trying out."
    )
    limits: Limits = Field(default_factory=Limits)
    worker: WorkerSettings = Field(default_factory=lambda: WorkerSettings())
    live: Live = Field(default_factory=Live)
    openid: OpenIdSettings = Field(default_factory=lambda: OpenIdSettings())
    phone: PhoneSettings = Field(default_factory=lambda: PhoneSettings())
    sign_in: SignInSettings = Field(default_factory=lambda: SignInSettings())
    mail: MailSettings = Field(default_factory=lambda: MailSettings())
    push: PushSettings = Field(default_factory=lambda: PushSettings())

    @field_validator("cors_origins", "retired_key_files", "retired_pepper_key_files", "egress_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)

    @property
    def egress(self) -> Egress:
        """What the gateway may call."""
        return Egress(self.egress_hosts, plain_loopback=self.egress_plain_loopback)

    @model_validator(mode="after")
    def _tokens_are_told_apart(self) -> Self:
        if self.audience in {*self.openid.clients, "graphiql"}:
            raise ValueError(
                "ITCARE_AUDIENCE is the name of a client: what tells it who signed in would open everything"
            )
        return self

    @model_validator(mode="after")
    def _can_call_what_it_must(self) -> Self:
        egress, given = self.egress, self.worker
        if given.driver == "webhook":
            if given.webhook_url is None or given.webhook_keys_file is None:
                raise ValueError(
                    "the webhook driver needs ITCARE_WORKER_WEBHOOK_URL and ITCARE_WORKER_WEBHOOK_KEYS_FILE"
                )
            refusal = egress.refusal(given.webhook_url)
            if refusal is not None:
                raise ValueError(f"ITCARE_WORKER_WEBHOOK_URL may not be called: {refusal}")
        phone = self.phone
        if phone.account is not None:
            if phone.token_file is None or phone.number is None or "public_url" not in self.model_fields_set:
                raise ValueError("calls need ITCARE_PHONE_TOKEN_FILE, ITCARE_PHONE_NUMBER and ITCARE_PUBLIC_URL")
            refusal = egress.refusal(phone.api_url)
            if refusal is not None:
                raise ValueError(f"ITCARE_PHONE_API_URL may not be called: {refusal}")
        for issuer in self.openid.foreign_issuers:
            refusal = "it is our own" if issuer == self.issuer else egress.refusal(issuer)
            if refusal is not None:
                raise ValueError(f"ITCARE_OPENID_FOREIGN_ISSUERS has an issuer that may not be called: {refusal}")
        return self
