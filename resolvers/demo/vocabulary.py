"""Words of the demo: what applications, people, teams and tags are called, and what runs on what."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from resolvers.reference import PRODUCTS, product_code, reference_id
from resolvers.tables import ResourceType, SupportPhase


class Application(NamedTuple):
    """What a Service is for; the slug is its name in DNS and in tags."""

    name: str
    slug: str
    description: str


class Role(NamedTuple):
    """What a resource does in its Service; products are by name, as in the catalogue."""

    prefix: str
    type: ResourceType
    products: tuple[str, ...] = ()
    tier: str = "back"
    port: int = 8080


class ProductVersion(NamedTuple):
    """A version of a product in the catalogue; the family is its name as a code."""

    id: UUID | None
    family: str
    version: str
    phase: SupportPhase | None


T = TypeVar("T")


def weighted(weights: Mapping[T, int]) -> tuple[T, ...]:
    """Repeat each value as often as its weight says, to draw from."""
    return tuple(value for value, weight in weights.items() for _ in range(weight))


APPLICATIONS: Final = (
    Application("shop", "shop", "The public shop: catalogue, basket, payment."),
    Application("billing", "billing", "Invoices, dunning and payments."),
    Application("patient-portal", "patient-portal", "Appointments and results for patients."),
    Application("télétransmission", "teletransmission", "Sends care sheets to the health insurance."),
    Application("prescriptions", "prescriptions", "Electronic prescriptions and renewals."),
    Application("identity", "identity", "Sign-in for all applications."),
    Application("data-warehouse", "data-warehouse", "Nightly loads and reports for controlling."),
    Application("dossier-médical", "dossier-medical", "Shared medical records."),
    Application("payroll", "payroll", "Monthly payroll of clients."),
    Application("messaging", "messaging", "Secure mail between professionals."),
    Application("lab-results", "lab-results", "Results from laboratories, HL7 and FHIR."),
    Application("claims", "claims", "Reimbursement claims."),
    Application("stock", "stock", "Stock of pharmacies."),
    Application("imaging", "imaging", "DICOM archive and viewer."),
    Application("search", "search", "Full-text search over everything."),
    Application("monitoring", "monitoring", "Metrics, logs and alerts."),
    Application("Übersetzung 翻訳", "translation", "Machine translation of leaflets."),
    Application("crm", "crm", "Customer relations."),
    Application("e-learning", "e-learning", "Courses for customers."),
    Application("planning", "planning", "Rosters and appointments."),
    Application("gateway", "gateway", "The way in for partners."),
    Application("notifications", "notifications", "E-mail, SMS and push."),
    Application("document-vault", "document-vault", "Documents kept for the legal term."),
    Application("fraud-detection", "fraud-detection", "Scores claims overnight."),
    Application("R&D sandbox", "rnd-sandbox", 'Experiments; "here be dragons", says the team.'),
    Application("website", "website", "The corporate site."),
    Application("ci", "ci", "Builds and artefacts."),
    Application("backup", "backup", "Copies of everything, kept elsewhere."),
    Application("clinical-trials", "clinical-trials", "Studies and cohorts."),
    Application("maternité", "maternite", "Maternity ward: beds and follow-up."),
)

QUALIFIERS: Final = (
    "fr", "eu", "uk", "be", "de", "es", "paris", "toulouse", "lyon", "batch", "reporting", "partners", "mobile",
    "legacy", "next", "archive", "b2b", "public", "internal", "south", "north", "pilot",
)  # fmt: skip

PEOPLE: Final = (
    "Zoé Müller", "Jean-Noël Lefèvre", "Amélie Garçon", "François Nuñez", "Siân O'Connor", "田中 花子", "Łukasz Żak",
    "Renée Dubois", "Ahmed Benali", "Inès Moreau", "Björn Ångström", "Chloé Petit", "Márta Kovács", "Ravi Iyer",
)  # fmt: skip
TEAMS: Final = ("storefront", "payments", "care", "platform", "data", "network", "équipe-infra", "support")
CRITICALITIES: Final = weighted({"low": 30, "medium": 45, "high": 20, "vital": 5})

UNUSUAL_TAGS: Final = (
    ("note", 'the "old" one, ask Zoé'),
    ("note", "first line\nsecond line"),
    ("note", "=SUM(A1:A9)"),
    ("note", "50% off; really: yes, 'really'"),
    ("note", "<b>bold</b> & more"),
    ("note", ""),
    ("release", "🚀 été 2026"),
    ("équipe", "données de santé"),
    ("名前", "漢字テスト"),
    ("label", "café"),
    ("path", "C:\\Program Files\\Acme"),
)
UNUSUAL_COMMENTS: Final = (
    'Called "the beast" by those who know, and with reason.',
    "Do not restart before 18:00,\nask the storefront team first.",
    "Replaces web-old; see RFC-2041 🔧",
    "=HYPERLINK is not a formula here",
    "Migré depuis l'ancien hébergeur, à vérifier.",
)

SHOWCASE: Final = (
    "web", "web", "app", "app", "lb", "db", "store", "k8s", "cache", "kafka", "tomcat", "files", "web", "worker",
    "search", "lb", "store",
)  # fmt: skip
"""What the first Service of the first Cloud consists of, in this order."""

_LINUX: Final = ("Debian", "Red Hat Enterprise Linux", "Ubuntu", "Debian", "Oracle Linux", "CentOS")
ROLES: Final = {
    role.prefix: role
    for role in (
        Role("web", ResourceType.INSTANCE, _LINUX, "front"),
        Role("app", ResourceType.INSTANCE, _LINUX),
        Role("worker", ResourceType.INSTANCE, _LINUX),
        Role("bastion", ResourceType.INSTANCE, ("Debian",), "edge", 22),
        Role("win", ResourceType.INSTANCE, ("Windows Server",), port=3389),
        Role("aix", ResourceType.INSTANCE, ("AIX",), port=22),
        Role("lb", ResourceType.LOAD_BALANCER, tier="edge"),
        Role("store", ResourceType.OBJECT_STORE, tier="data"),
        Role("k8s", ResourceType.KUBERNETES_CLUSTER, ("Kubernetes",)),
        Role("db", ResourceType.MANAGED_DATABASE, ("PostgreSQL", "PostgreSQL", "MariaDB", "SQL Server"), "data"),
        Role("cache", ResourceType.MANAGED_DATABASE, ("Redis",), "data"),
        Role("search", ResourceType.MANAGED_DATABASE, ("OpenSearch",), "data"),
        Role("kafka", ResourceType.MESSAGE_BROKER, ("Apache Kafka",), "data"),
        Role("rabbit", ResourceType.MESSAGE_BROKER, ("RabbitMQ",), "data"),
        Role("tomcat", ResourceType.APPLICATION_SERVER, ("Apache Tomcat",)),
        Role("wildfly", ResourceType.APPLICATION_SERVER, ("WildFly",)),
        Role("files", ResourceType.FILE_STORAGE, ("GlusterFS",), "data"),
    )
}
ROLE_WEIGHTS: Final = weighted(
    {
        "web": 18, "app": 20, "worker": 12, "bastion": 2, "win": 6, "aix": 1, "lb": 9, "store": 6, "k8s": 4, "db": 8,
        "cache": 2, "search": 1, "kafka": 2, "rabbit": 2, "tomcat": 3, "wildfly": 2, "files": 2,
    }
)  # fmt: skip

_FAMILIES: Final = {"Red Hat Enterprise Linux": "RHEL", "Apache Kafka": "KAFKA", "Apache Tomcat": "TOMCAT"}
_PHASES: Final = {
    SupportPhase.END_OF_SUPPORT: (
        "centos-7", "centos-8", "debian-10", "windows-server-2016", "postgresql-13", "opensearch-1.3", "wildfly-26",
        "oracle-linux-7", "redis-6.2",
    ),
    SupportPhase.EXTENDED: ("red-hat-enterprise-linux-7", "ubuntu-20.04", "mariadb-10.6", "sql-server-2017"),
    SupportPhase.END_OF_SALE: (
        "debian-11", "red-hat-enterprise-linux-8", "oracle-linux-8", "postgresql-14", "aix-7.2", "rabbitmq-3.12",
        "apache-tomcat-9.0", "kubernetes-1.31", "windows-server-2019", "glusterfs-10", "apache-kafka-3.7",
    ),
}  # fmt: skip


def _versions(name: str, versions: Iterable[str]) -> tuple[ProductVersion, ...]:
    phases = {code: phase for phase, codes in _PHASES.items() for code in codes}
    family = _FAMILIES.get(name, name.upper().replace(" ", "_"))
    return tuple(
        ProductVersion(reference_id("product", code), family, version, phases.get(code, SupportPhase.STANDARD))
        for version in versions
        for code in (product_code(name, version),)
    )


PRODUCT_VERSIONS: Final = {name: _versions(name, versions) for name, versions in PRODUCTS.items()}
"""Name of a product to its versions."""
NO_PRODUCT: Final = ProductVersion(None, "", "", None)
"""What load balancers and object stores run on, as far as the catalogue says."""


def application(index: int) -> Application:
    """Give the application of a Cloud's Service number `index`; no two have the same name or slug."""
    kind = APPLICATIONS[index % len(APPLICATIONS)]
    turn = index // len(APPLICATIONS)
    if not turn:
        return kind
    suffix = f"-{QUALIFIERS[(turn - 1) % len(QUALIFIERS)]}"
    if turn > len(QUALIFIERS):
        suffix += f"-{(turn - 1) // len(QUALIFIERS) + 1}"
    return Application(kind.name + suffix, kind.slug + suffix, kind.description)
