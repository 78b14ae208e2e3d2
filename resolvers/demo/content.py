"""The demo's content as a stream of batches: tenants and accounts first, then Service after Service."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Final
from uuid import UUID

from auth.tables import AccountKind, Profile
from resolvers.demo.accounts import ACCOUNTS
from resolvers.demo.batch import Batch
from resolvers.demo.identifiers import FOUNDED, account_id, named_id
from resolvers.demo.networks import AddressBook
from resolvers.demo.rows import (
    AccountRow,
    CloudRow,
    DomainRow,
    MembershipRow,
    OrganizationMemberRow,
    OrganizationRow,
)
from resolvers.demo.scopes import CloudScope
from resolvers.demo.services import draw_size, fill_service
from resolvers.demo.tenants import CloudPlan, OrganizationPlan, counts, organizations
from resolvers.demo.vocabulary import SHOWCASE, weighted

_RESOURCES_PER_BATCH: Final = 10_000
_SHOWCASE_CLOUD: Final = "alpha"


def batches(resources: int) -> Iterator[Batch]:
    """Make the demo with exactly that many resources, in batches that fit into memory.

    The same number gives the same rows, down to identifiers and times.
    """
    plans = organizations(resources)
    batch = Batch()
    for plan in plans:
        _add_organization(batch, plan)
    _add_accounts(batch)
    addresses = AddressBook()
    for plan, of_organization in zip(plans, counts(resources, (plan.share for plan in plans)), strict=True):
        of_clouds = counts(of_organization, (cloud.share for cloud in plan.clouds))
        for cloud, of_cloud in zip(plan.clouds, of_clouds, strict=True):
            scope = _cloud_scope(plan, cloud, addresses)
            for number, size in enumerate(_sizes(cloud.code, of_cloud)):
                random = Random(f"{cloud.code}/{number}")  # noqa: S311 # the same every time is the point
                showcase = cloud.code == _SHOWCASE_CLOUD and not number
                fill_service(batch, scope, number, size, random, showcase=showcase)
                if batch.resources >= _RESOURCES_PER_BATCH:
                    yield batch
                    batch = Batch()
    yield batch


def _sizes(cloud_code: str, resources: int) -> Iterator[int]:
    """Split a Cloud's resources into Services; that of the showcase comes first and is complete."""
    random = Random(cloud_code)  # noqa: S311 # the same every time is the point
    least = len(SHOWCASE) if cloud_code == _SHOWCASE_CLOUD else 1
    while resources:
        size = min(resources, max(least, draw_size(random)))
        yield size
        resources -= size
        least = 1


def _add_organization(batch: Batch, plan: OrganizationPlan) -> None:
    organization_id = named_id(f"organization:{plan.code}")
    batch.add(OrganizationRow(organization_id, plan.code, plan.name, plan.is_group, FOUNDED))
    for cloud in plan.clouds:
        cloud_id = named_id(f"cloud:{cloud.code}")
        batch.add(CloudRow(organization_id, cloud_id, cloud.code, cloud.name, cloud.is_default, FOUNDED))
    for fqdn in plan.domains:
        batch.add(DomainRow(organization_id, named_id(f"domain:{fqdn}"), fqdn, dns_enabled=True))


def _add_accounts(batch: Batch) -> None:
    for account in ACCOUNTS:
        this = account_id(account.email)
        organization_id = named_id(f"organization:{account.organization}") if account.organization else None
        batch.add(AccountRow(this, organization_id, account.kind, account.email, account.is_platform, FOUNDED))
        if organization_id is None or account.kind is AccountKind.API_ACCOUNT:
            continue
        batch.add(OrganizationMemberRow(organization_id, this, account.is_security_representative, FOUNDED))
        for cloud_code, profile in account.profiles:
            batch.add(MembershipRow(organization_id, named_id(f"cloud:{cloud_code}"), this, profile, FOUNDED))


def _cloud_scope(plan: OrganizationPlan, cloud: CloudPlan, addresses: AddressBook) -> CloudScope:
    return CloudScope(
        organization_id=named_id(f"organization:{plan.code}"),
        organization_code=plan.code,
        id=named_id(f"cloud:{cloud.code}"),
        code=cloud.code,
        environments=weighted(cloud.environments),
        audience=plan.audience,
        domains=tuple((named_id(f"domain:{fqdn}"), fqdn) for fqdn in plan.domains),
        operators=_operators(plan.code, cloud.code),
        addresses=addresses,
    )


def _operators(organization_code: str, cloud_code: str) -> Mapping[Profile, tuple[UUID | None, str]]:
    """Say who acts in a Cloud under each profile: the demo's accounts, or somebody who has left since."""
    holders = {
        profile: (account_id(account.email), account.email)
        for account in ACCOUNTS
        for code, profile in account.profiles
        if code == cloud_code and account.has_factor
    }
    stand_in = holders.get(Profile.POW, (None, f"operations@{organization_code}.example"))
    return {profile: holders.get(profile, stand_in) for profile in Profile}
