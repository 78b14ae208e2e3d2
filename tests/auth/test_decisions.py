"""Who may run which action: every label for every kind of caller, as the specification and the security design say it.

What is expected is worked out here from `privileges.csv`, never from the tables of the code.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.decisions import Asker, Denial, DenialReason, Grant, Refusal, decide, is_fresh
from auth.permissions import PRIVILEGES, ROLES, Action, MfaBinding, Privilege, Role
from auth.tables import AccountKind, Profile
from tests.auth.askers import ACME, ALPHA, ANN, BETA, MAX_AGE, NOW, OMEGA, asker

STD, DTM, OPE, POW = Profile.STD, Profile.DTM, Profile.OPE, Profile.POW

TYPED = {
    row["label"]: row["available_for"]
    for row in csv.DictReader((Path(__file__).parent / "privileges.csv").read_text().splitlines())
}
HOLDERS = {"OPE": (OPE, POW), "POW": (POW,), "MNT": (DTM, OPE, POW)}
"""The column names the role, so that whoever holds it may: "available for OPE" admits POW."""

ON_THE_CLOUD_ITSELF = {"create-maintenance"}
"""The other labels act on a Service, a resource or a part of one."""

LASTING_OR_SECRET = {"recover-snapshot", "create-user-objectstores", "update-user-objectstores"}
"""Beside every delete-…: what cannot be undone or hands out a secret takes an approval of its own."""


class Answer(NamedTuple):
    """What a decision comes to: an action's grant with how it is bound, or a denial."""

    refusal: str | None
    reasons: tuple[str, ...] = ()
    missing_profiles: tuple[Profile, ...] = ()
    needs_approval: bool = False


class Caller(NamedTuple):
    """One kind of caller, and what of them matters in the Cloud alpha."""

    name: str
    asker: Asker | None
    profile: Profile | None = None


CALLERS = [
    Caller("anonymous", None),
    Caller("STD", asker({ALPHA: {STD}}), STD),
    Caller("DTM", asker({ALPHA: {DTM}}), DTM),
    Caller("OPE", asker({ALPHA: {OPE}}), OPE),
    Caller("POW with fresh MFA", asker({ALPHA: {POW}}, mfa_age=MAX_AGE), POW),
    Caller("POW of another Cloud", asker({BETA: {POW}, OMEGA: {POW}}, member_of=[ACME])),
    Caller("POW without factor", asker({ALPHA: {POW}}, has_factor=False, mfa_age=None), POW),
    Caller("POW with stale MFA", asker({ALPHA: {POW}}, mfa_age=MAX_AGE + 1), POW),
    Caller("OPE in this Cloud and POW in another", asker({ALPHA: {OPE}, BETA: {POW}}), OPE),
    Caller("security representative", asker(names=[ALPHA, BETA], member_of=[ACME])),
    Caller("platform", asker(is_platform=True)),
    Caller("API account", asker({ALPHA: (), BETA: ()}, kind=AccountKind.API_ACCOUNT, mfa_age=None, has_factor=False)),
]


def expected(label: str, caller: Caller) -> Answer:
    """What security.md says, in its own order: who they are, what they see, their profiles, their second factor."""
    holders = HOLDERS[TYPED[label]]
    missing = Answer("FORBIDDEN", ("MISSING_PROFILE",), holders)
    match caller.name:
        case "anonymous":
            return Answer("UNAUTHENTICATED")
        case "POW of another Cloud":
            return Answer("NOT_FOUND")
        case "security representative" | "platform":  # Clouds by name, not what is in them
            return missing if label in ON_THE_CLOUD_ITSELF else Answer("NOT_FOUND")
        case "API account":
            return Answer("FORBIDDEN", ("API_ACCOUNT",))
    if caller.profile not in holders:
        return missing
    if caller.name == "POW without factor":
        return Answer("MFA_ENROLMENT_REQUIRED", ("MFA_NOT_ENROLLED",))
    if caller.name == "POW with stale MFA":
        return Answer("INSUFFICIENT_USER_AUTHENTICATION", ("MFA_STALE",))
    return Answer(None, needs_approval=label.startswith("delete-") or label in LASTING_OR_SECRET)


EXPECTED = {(label, caller.name): expected(label, caller) for label, caller in product(TYPED, CALLERS)}


def action_of(label: str) -> Action:
    return Action(label.upper().replace("-", "_"))


def answer(found: Grant | Denial) -> Answer:
    if isinstance(found, Grant):
        return Answer(None, needs_approval=found.needs_approval)
    return Answer(found.refusal.value, tuple(reason.value for reason in found.reasons), found.missing_profiles)


def decided() -> dict[tuple[str, str], Answer]:
    """The whole table, as the code decides it."""
    return {
        (label, caller.name): answer(decide(caller.asker, action_of(label), ALPHA, NOW))
        for label, caller in product(TYPED, CALLERS)
    }


def granted(asker: Asker, action: Action) -> bool:
    return isinstance(decide(asker, action, ALPHA, NOW), Grant)


def a_grant(action: Action = Action.START_INSTANCE) -> Grant:
    found = decide(asker({ALPHA: {POW}}), action, ALPHA, NOW)
    assert isinstance(found, Grant)
    return found


# -- the table


def test_the_table_is_of_41_labels_and_12_callers() -> None:
    assert len(EXPECTED) == 41 * 12
    assert {action_of(label) for label in TYPED} == set(Action)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_every_label_is_decided_as_the_specification_says(caller: Caller) -> None:
    found = {label: answer for (label, name), answer in decided().items() if name == caller.name}
    assert found == {label: EXPECTED[label, caller.name] for label in TYPED}


def test_a_grant_says_what_was_decided_for_whom_where_and_when() -> None:
    for label in TYPED:
        grant = a_grant(action_of(label))
        assert grant.privilege.label == label
        assert (grant.account_id, grant.organization_id, grant.cloud_id) == (ANN, ACME, ALPHA)
        assert grant.decided_at == NOW


def test_who_lacks_the_profile_is_not_told_of_a_second_factor() -> None:
    without = decide(asker({ALPHA: {STD}}, has_factor=False, mfa_age=None), Action.START_INSTANCE, ALPHA, NOW)
    assert without == Denial(Refusal.FORBIDDEN, (DenialReason.MISSING_PROFILE,), (OPE, POW))


def test_a_factor_that_is_gone_makes_a_fresh_token_worth_nothing() -> None:
    answer = decide(asker({ALPHA: {POW}}, has_factor=False, mfa_age=0), Action.START_INSTANCE, ALPHA, NOW)
    assert answer == Denial(Refusal.MFA_ENROLMENT_REQUIRED, (DenialReason.MFA_NOT_ENROLLED,))


def test_an_api_account_may_not_whatever_it_holds() -> None:
    program = asker({ALPHA: set(Profile)}, kind=AccountKind.API_ACCOUNT)
    for action in Action:
        assert decide(program, action, ALPHA, NOW) == Denial(Refusal.FORBIDDEN, (DenialReason.API_ACCOUNT,))


def test_a_cloud_of_others_is_answered_as_one_that_does_not_exist() -> None:
    for caller in CALLERS:
        if caller.name not in {"anonymous", "platform"}:
            for action in Action:
                foreign, none = (decide(caller.asker, action, cloud, NOW) for cloud in (UUID(int=7), UUID(int=8)))
                assert foreign == none == Denial(Refusal.NOT_FOUND)


def test_a_representative_who_holds_a_profile_is_decided_by_it() -> None:
    both = asker({ALPHA: {OPE}}, names=[BETA], member_of=[ACME])
    assert granted(both, Action.START_INSTANCE)
    assert not granted(both, Action.DELETE_INSTANCE)


def test_no_second_factor_may_be_older_than_fifteen_minutes() -> None:
    assert {row.mfa_max_age for row in PRIVILEGES.values()} == {MAX_AGE}
    assert MAX_AGE <= 900


# -- what holds for every caller


PROFILES = st.frozensets(st.sampled_from(Profile))
ACTIONS = st.sampled_from(Action)


@given(action=ACTIONS, fewer=PROFILES, more=PROFILES, mfa_age=st.none() | st.integers(-60, 600), factor=st.booleans())
def test_more_profiles_never_allow_less(
    action: Action, fewer: frozenset[Profile], more: frozenset[Profile], mfa_age: int | None, factor: bool
) -> None:
    less, all_ = (asker({ALPHA: held}, mfa_age=mfa_age, has_factor=factor) for held in (fewer, fewer | more))
    assert granted(all_, action) or not granted(less, action)


@given(
    action=ACTIONS,
    here=PROFILES,
    beta=PROFILES,
    omega=PROFILES,
    mfa_age=st.none() | st.integers(-60, 600),
    factor=st.booleans(),
)
def test_what_is_held_in_another_cloud_never_matters(
    action: Action,
    here: frozenset[Profile],
    beta: frozenset[Profile],
    omega: frozenset[Profile],
    mfa_age: int | None,
    factor: bool,
) -> None:
    alone, beside = (
        asker(held, mfa_age=mfa_age, has_factor=factor)
        for held in ({ALPHA: here}, {ALPHA: here, BETA: beta, OMEGA: omega})
    )
    assert decide(alone, action, ALPHA, NOW) == decide(beside, action, ALPHA, NOW)


@given(
    label=st.sampled_from(list(TYPED)),
    held=st.dictionaries(st.sampled_from([ALPHA, BETA, OMEGA]), PROFILES),
    named=st.booleans(),
    platform=st.booleans(),
    kind=st.sampled_from(AccountKind),
    mfa_age=st.none() | st.integers(-60, 600),
    factor=st.booleans(),
)
def test_nothing_is_granted_but_to_a_person_with_the_profile_here_and_a_fresh_factor(
    label: str,
    held: Mapping[UUID, frozenset[Profile]],
    named: bool,
    platform: bool,
    kind: AccountKind,
    mfa_age: int | None,
    factor: bool,
) -> None:
    somebody = asker(
        held,
        names=[ALPHA] if named and ALPHA not in held else [],
        is_platform=platform,
        kind=kind,
        mfa_age=mfa_age,
        has_factor=factor,
    )
    may = not held.get(ALPHA, frozenset()).isdisjoint(HOLDERS[TYPED[label]]) and kind is AccountKind.PERSON
    fresh = factor and mfa_age is not None and -30 <= mfa_age <= MAX_AGE
    assert granted(somebody, action_of(label)) is (may and fresh)


# -- freshness


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (None, False),
        (-3600, False),
        (-30.000001, False),
        (-30, True),
        (-1, True),
        (0, True),
        (1, True),
        (MAX_AGE, True),
        (MAX_AGE + 0.000001, False),
        (MAX_AGE + 1, False),
        (3600, False),
    ],
)
def test_a_second_factor_is_fresh_from_thirty_seconds_ahead_to_its_age(age: float | None, fresh: bool) -> None:
    person = asker({ALPHA: {POW}}, mfa_age=age)
    assert is_fresh(person.mfa_time, MAX_AGE, NOW) is fresh
    for action in Action:
        assert granted(person, action) is fresh


@given(age=st.integers(-1000, 1000), max_age=st.integers(0, 900))
def test_each_row_has_its_own_age(age: float, max_age: int) -> None:
    assert is_fresh(NOW - timedelta(seconds=age), max_age, NOW) is (-30 <= age <= max_age)


def test_a_time_without_zone_decides_nothing() -> None:
    person = asker({ALPHA: {POW}})
    with pytest.raises(TypeError):
        decide(person, Action.START_INSTANCE, ALPHA, NOW.replace(tzinfo=None))


# -- only a decision makes a grant


@pytest.mark.parametrize("seal", [None, object(), True, ALPHA])
def test_a_grant_cannot_be_made_without_a_decision(seal: object) -> None:
    with pytest.raises(TypeError, match="Only a decision grants"):
        Grant(PRIVILEGES[Action.DELETE_INSTANCE], ANN, NOW, ACME, ALPHA, seal=seal)


@pytest.mark.parametrize(
    "changes",
    [
        {"cloud_id": BETA},
        {"account_id": OMEGA},
        {"privilege": PRIVILEGES[Action.DELETE_INSTANCE]},
        {"cloud_id": BETA, "seal": object()},
    ],
    ids=lambda changes: " and ".join(changes),
)
def test_a_grant_cannot_be_made_into_another(changes: dict[str, Any]) -> None:
    grant = a_grant()
    with pytest.raises((TypeError, ValueError)):
        replace(grant, **changes)
    for name, value in changes.items():
        with pytest.raises((AttributeError, TypeError)):
            setattr(grant, name, value)
    assert not hasattr(grant, "seal")


# -- the table notices every change of a row


def mutants() -> Iterator[Any]:
    for action, row in PRIVILEGES.items():
        for role in Role:
            if role is not row.role:
                yield pytest.param(action, replace(row, role=role), id=f"{row.label} takes {role}")
        other = MfaBinding.SESSION if row.mfa_binding is MfaBinding.OPERATION else MfaBinding.OPERATION
        yield pytest.param(action, replace(row, mfa_binding=other), id=f"{row.label} is bound to the {other}")
        for seconds in (-1, 1):
            changed = replace(row, mfa_max_age=row.mfa_max_age + seconds)
            yield pytest.param(action, changed, id=f"{row.label} after {changed.mfa_max_age} s")
        target = "Service" if row.target == "Cloud" else "Cloud"
        yield pytest.param(action, replace(row, target=target), id=f"{row.label} is on a {target}")


@pytest.mark.parametrize(("action", "row"), list(mutants()))
def test_a_changed_row_is_noticed(action: Action, row: Privilege, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decided() == EXPECTED
    monkeypatch.setitem(PRIVILEGES, action, row)
    differing = {label for (label, name), found in decided().items() if found != EXPECTED[label, name]}
    assert differing == {row.label}


@pytest.mark.parametrize(
    ("profile", "role"),
    [(profile, role) for profile, role in product(Profile, Role) if role is not Role.SEE_RESOURCES],
)
def test_a_changed_tick_is_noticed(profile: Profile, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROLES, profile, ROLES[profile] ^ {role})
    assert decided() != EXPECTED


def test_two_rows_that_change_places_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    start, delete = PRIVILEGES[Action.START_INSTANCE], PRIVILEGES[Action.DELETE_INSTANCE]
    monkeypatch.setitem(PRIVILEGES, Action.START_INSTANCE, delete)
    monkeypatch.setitem(PRIVILEGES, Action.DELETE_INSTANCE, start)
    assert decided() != EXPECTED
