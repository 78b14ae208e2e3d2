"""Organizations and Clouds of the demo, and how many resources each has."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from resolvers.tables import ZoneAudience

RESOURCES_PER_FURTHER_ORGANIZATION: Final = 20_000
_SHARE_GIVEN_UP: Final = 0.05
"""What the second and the third organization give up, each, once there are further ones."""


@dataclass(frozen=True)
class CloudPlan:
    """A Cloud to fill: its share of its organization's resources, and its environments with their weights."""

    code: str
    name: str
    share: float
    environments: dict[str, int]
    is_default: bool = False


@dataclass(frozen=True)
class OrganizationPlan:
    """An organization to fill: its share of all resources, its Clouds and the DNS domains delegated to it."""

    code: str
    name: str
    share: float
    clouds: tuple[CloudPlan, ...]
    domains: tuple[str, ...]
    is_group: bool = False

    @property
    def audience(self) -> ZoneAudience:
        """Tell which availability zones it uses."""
        return ZoneAudience.GROUP if self.is_group else ZoneAudience.CLIENT


PRODUCTION: Final = {"production": 80, "preproduction": 14, "staging": 4, "recovery": 2}
DEVELOPMENT: Final = {"dev": 50, "test": 20, "qa": 16, "integration": 8, "sandbox": 6}
EVERYTHING: Final = {"production": 55, "preproduction": 10, "qa": 12, "test": 8, "dev": 12, "training": 3}

_FIRST: Final = (
    OrganizationPlan(
        "acme",
        "Acme Health",
        0.60,
        (
            CloudPlan("alpha", "Alpha, production", 0.7, PRODUCTION, is_default=True),
            CloudPlan("dev", "Development", 0.3, DEVELOPMENT),
        ),
        ("acme.example", "acme-health.example"),
    ),
    OrganizationPlan(
        "globex",
        "Globex Großhandel",
        0.20,
        (
            CloudPlan("omega", "Omega", 0.8, EVERYTHING, is_default=True),
            CloudPlan("omega-lab", "Omega Labör", 0.2, DEVELOPMENT),
        ),
        ("globex.example",),
    ),
    OrganizationPlan(
        "cegedim",
        "cegedim",
        0.20,
        (
            CloudPlan("cegedim-core", "Group core", 0.6, PRODUCTION, is_default=True),
            CloudPlan("cegedim-rnd", "Research and development", 0.4, DEVELOPMENT),
        ),
        ("group.example",),
        is_group=True,
    ),
)

_KINDS: Final = ("Clinique", "Hôpital", "Mutuelle", "Laboratoire", "Pharmacie", "Centre médical")
_PLACES: Final = (
    "Saint-Émile", "des Lilas", "du Vieux Port", "Étoile", "de l'Île Verte", "Bellevue", "des Près", "Façade Océan",
    "du Château", "Notre-Dame", "de la Forêt", "Müller", "Grand Large", "du Lac", "Les Érables",
)  # fmt: skip


def organizations(resources: int) -> tuple[OrganizationPlan, ...]:
    """Plan the organizations: three, and one more for every 20,000 resources."""
    further = resources // RESOURCES_PER_FURTHER_ORGANIZATION
    if not further:
        return _FIRST
    acme, *others = _FIRST
    smaller = (replace(plan, share=plan.share - _SHARE_GIVEN_UP) for plan in others)
    share = _SHARE_GIVEN_UP * len(others) / further
    return (acme, *smaller, *(_further_organization(number, share) for number in range(1, further + 1)))


def _further_organization(number: int, share: float) -> OrganizationPlan:
    kind = _KINDS[number % len(_KINDS)]
    place = _PLACES[number % len(_PLACES)]
    code = f"client-{number:03d}"
    return OrganizationPlan(
        code,
        f"{kind} {place} n° {number}",
        share,
        (CloudPlan(f"{code}-main", f"{kind} {place}", 1, EVERYTHING, is_default=True),),
        (f"{code}.example",),
    )


def counts(total: int, shares: Iterable[float]) -> list[int]:
    """Split a number by shares; the parts sum up to it, and the first never goes short."""
    listed = list(shares)
    whole = sum(listed)
    parts: list[int] = []
    reached = 0.0
    for share in listed:
        reached += share
        # The tolerance keeps what float addition adds from rounding up.
        parts.append(min(total, ceil(total * reached / whole - 1e-9)) - sum(parts))
    return parts
