"""Principals, made of rows that say why somebody sees something."""

from typing import Any
from uuid import UUID

import pytest

from auth.errors import Unauthenticated
from auth.principal import CALLER, COLUMNS, NO_PROFILES, Principals
from auth.tables import Profile

ACCOUNT, ACME, ALPHA, BETA = (UUID(int=n) for n in range(4))


def row(
    cloud: UUID | None = None,
    profile: str | None = None,
    *,
    sees: bool = True,
    name: str = "Acme",
    represents: bool = False,
) -> Any:
    of_cloud = (cloud, f"c{cloud.int}", f"Cloud {cloud.int}", False) if cloud else (None,) * 4
    return (
        ACCOUNT,
        "PERSON",
        "ann@acme.example",
        False,
        False,
        ACME,
        "acme",
        name,
        False,
        *of_cloud,
        profile,
        sees,
        represents,
        "beside",
    )


def test_the_rows_have_the_columns_that_principals_are_made_of() -> None:
    assert len(CALLER.selected_columns) == COLUMNS == len(row()) - 1


def test_profiles_add_up_and_one_reason_is_enough_to_see_resources() -> None:
    rows = [row(ALPHA, "STD"), row(ALPHA, "OPE", sees=False), row(BETA, sees=False), row(sees=False)]
    principal = Principals().of(ACCOUNT, rows)
    assert {cloud.id: cloud.profiles for cloud in principal.clouds} == {
        ALPHA: {Profile.STD, Profile.OPE},
        BETA: NO_PROFILES,
    }
    assert principal.scope.clouds == (ALPHA, BETA)
    assert principal.scope.resource_clouds == (ALPHA,)
    assert list(principal.clouds_by_id) == [ALPHA, BETA]
    assert [organization.name for organization in principal.organizations_by_id.values()] == ["Acme"]


def test_who_represents_an_organization_is_told_from_who_only_belongs_to_it() -> None:
    assert Principals().of(ACCOUNT, [row(ALPHA, "STD"), row(sees=False)]).scope.represented == ()
    rows = [row(ALPHA, "STD"), row(sees=False, represents=True), row(BETA, sees=False, represents=True)]
    assert Principals().of(ACCOUNT, rows).scope.represented == (ACME,)


def test_nobody_is_made_of_no_rows() -> None:
    with pytest.raises(Unauthenticated):
        Principals().of(ACCOUNT, [])


def test_the_same_rows_give_the_same_principal_and_any_change_another() -> None:
    principals = Principals()
    rows = [row(ALPHA, "POW"), row(BETA, "STD")]
    first = principals.of(ACCOUNT, rows)
    assert principals.of(ACCOUNT, list(rows)) is first
    for changed in ([row(ALPHA, "POW")], [row(ALPHA, "OPE"), rows[1]], [row(ALPHA, "POW", name="Ac"), rows[1]]):
        other = principals.of(ACCOUNT, changed)
        assert other is not first
        assert other != first
    with pytest.raises(Unauthenticated):
        principals.of(ACCOUNT, [])


def test_principals_are_kept_for_the_accounts_that_called_last() -> None:
    principals = Principals(size=2)
    kept = [principals.of(UUID(int=n), [row(ALPHA, "STD")]) for n in (1, 2, 3)]
    assert principals.of(UUID(int=3), [row(ALPHA, "STD")]) is kept[2]
    assert principals.of(UUID(int=1), [row(ALPHA, "STD")]) is not kept[0]
