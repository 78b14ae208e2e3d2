"""Askers for the tests of decisions: people who hold this and that in Clouds of three organizations."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auth.decisions import Asker
from auth.principal import Principal, Scope, VisibleCloud, VisibleOrganization
from auth.tables import AccountKind, Profile

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ACME, GLOBEX = UUID(int=0xA0), UUID(int=0xB0)
ALPHA, BETA, OMEGA = UUID(int=0xA1), UUID(int=0xA2), UUID(int=0xB1)
ORGANIZATION_OF = {ALPHA: ACME, BETA: ACME, OMEGA: GLOBEX}
ANN, BOB = UUID(int=1), UUID(int=2)
MAX_AGE = 300
"""The default of the security design, in seconds."""


def asker(
    held: Mapping[UUID, Collection[Profile]] | None = None,
    *,
    mfa_age: float | None = 0,
    has_factor: bool = True,
    kind: AccountKind = AccountKind.PERSON,
    names: Collection[UUID] = (),
    member_of: Collection[UUID] = (),
    is_platform: bool = False,
    account: UUID = ANN,
    now: datetime = NOW,
) -> Asker:
    """Somebody who holds profiles in Clouds and sees Clouds by `names` alone.

    Without any profile an API account's Clouds are read all the same. Everybody sees the organizations they are
    `member_of`, and those of their Clouds.
    """
    held = held or {}
    clouds = tuple(
        VisibleCloud(ORGANIZATION_OF[cloud], cloud, f"c{n}", f"Cloud {n}", False, frozenset(held.get(cloud, ())), sees)
        for n, (cloud, sees) in enumerate([*((cloud, True) for cloud in held), *((cloud, False) for cloud in names)])
    )
    organizations = dict.fromkeys([*member_of, *(cloud.organization_id for cloud in clouds)])
    opened = [cloud for cloud in clouds if cloud.sees_resources]
    return Asker(
        Principal(
            account_id=account,
            kind=kind,
            email="ann@acme.example",
            is_platform=is_platform,
            has_factor=has_factor,
            organizations=tuple(VisibleOrganization(of, f"o{of.int}", "Name", False) for of in organizations),
            clouds=clouds,
            scope=Scope(
                all_names=is_platform,
                organizations=tuple(organizations),
                clouds=tuple(cloud.id for cloud in clouds),
                resource_organizations=tuple({cloud.organization_id: None for cloud in opened}),
                resource_clouds=tuple(cloud.id for cloud in opened),
            ),
        ),
        None if mfa_age is None else now - timedelta(seconds=mfa_age),
    )
