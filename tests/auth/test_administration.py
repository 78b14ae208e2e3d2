"""Who may do what is outside the privilege matrix, as the security design says it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.administration import (
    RULES,
    Administration,
    AdministrationDenial,
    AdministrationGrant,
    AdministrationRule,
    Authority,
    Level,
    Obstacle,
    Target,
    decide_administration,
)
from auth.decisions import Asker, Denial, Refusal
from auth.permissions import Action, MfaBinding, Role
from auth.tables import AccountKind, Profile
from tests.auth.askers import ACME, ALPHA, ANN, BETA, BOB, GLOBEX, MAX_AGE, NOW, OMEGA, asker

CAROL = UUID(int=3)
MODIFY, MANAGE = (Profile.OPE, Profile.POW), (Profile.POW,)
P, R = "PLATFORM", "SECURITY_REPRESENTATIVE"

WHO: dict[str, tuple[Any, ...]] = {
    "CREATE_ORGANIZATION": (P,),
    "REQUEST_CLOUD": (R,),
    "CREATE_CLOUD": (P,),
    "REFUSE_CLOUD": (P,),
    "CREATE_SERVICE": MANAGE,
    "SET_TAGS": MODIFY,
    "REQUEST_ACCOUNT": (R,),
    "APPROVE_ACCOUNT": (P,),
    "REFUSE_ACCOUNT": (P,),
    "RESEND_INVITATION": (P, R),
    "DISABLE_ACCOUNT": (P,),
    "ENABLE_ACCOUNT": (P,),
    "LINK_IDENTITY": (P,),
    "UNLINK_IDENTITY": (P,),
    "PROPOSE_PROFILE": (R,),
    "APPROVE_PROFILE": (P, R),
    "WITHDRAW_PROFILE": (R,),
    "APPOINT_REPRESENTATIVE": (P,),
    "DISMISS_REPRESENTATIVE": (P,),
    "APPROVE_FACTOR": (R,),
    "RESET_FACTORS": (P,),
    "ADD_CLIENT_SECRET": (R,),
    "ADD_CLIENT_KEY": (R,),
    "REVOKE_CLIENT_CREDENTIAL": (R,),
}
"""The security design, typed: authorities, or the profiles of a role in the Cloud."""

OF_NO_ORGANIZATION = {
    "CREATE_ORGANIZATION",
    "DISABLE_ACCOUNT",
    "ENABLE_ACCOUNT",
    "LINK_IDENTITY",
    "UNLINK_IDENTITY",
    "RESET_FACTORS",
}
CHANGES_GRANTS_OR_FACTORS = {
    "APPROVE_ACCOUNT",
    "RESEND_INVITATION",
    "DISABLE_ACCOUNT",
    "ENABLE_ACCOUNT",
    "LINK_IDENTITY",
    "UNLINK_IDENTITY",
    "PROPOSE_PROFILE",
    "APPROVE_PROFILE",
    "WITHDRAW_PROFILE",
    "APPOINT_REPRESENTATIVE",
    "DISMISS_REPRESENTATIVE",
    "APPROVE_FACTOR",
    "RESET_FACTORS",
    "ADD_CLIENT_SECRET",
    "ADD_CLIENT_KEY",
    "REVOKE_CLIENT_CREDENTIAL",
}
"""What also hands out a secret, or sends a link."""
TAKES_A_SECOND_PERSON = {"APPROVE_PROFILE", "APPROVE_ACCOUNT", "REFUSE_ACCOUNT"}
TARGET = Target(ACME, ALPHA, account_id=BOB, proposed_by=CAROL)


class Answer(NamedTuple):
    """What a decision comes to."""

    refusal: str | None
    reasons: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    needs_approval: bool = False


class Caller(NamedTuple):
    """One kind of caller; `has` is the profile in the Cloud, or the authority, that they come with."""

    name: str
    asker: Asker | None
    represents: frozenset[UUID] = frozenset()
    has: str | None = None


REP = asker(names=[ALPHA, BETA], member_of=[ACME], mfa_age=MAX_AGE)
CALLERS = [
    Caller("anonymous", None),
    Caller("STD", asker({ALPHA: {Profile.STD}}), has=Profile.STD),
    Caller("DTM", asker({ALPHA: {Profile.DTM}}), has=Profile.DTM),
    Caller("OPE", asker({ALPHA: {Profile.OPE}}, mfa_age=MAX_AGE), has=Profile.OPE),
    Caller("POW", asker({ALPHA: {Profile.POW}}, mfa_age=MAX_AGE), has=Profile.POW),
    Caller("POW with stale MFA", asker({ALPHA: {Profile.POW}}, mfa_age=MAX_AGE + 1), has=Profile.POW),
    Caller("POW of another organization", asker({OMEGA: {Profile.POW}})),
    Caller("security representative", REP, frozenset({ACME}), R),
    Caller(
        "security representative with stale MFA",
        asker(names=[ALPHA], member_of=[ACME], mfa_age=MAX_AGE + 1),
        frozenset({ACME}),
        R,
    ),
    Caller(
        "security representative without factor",
        asker(names=[ALPHA], member_of=[ACME], has_factor=False, mfa_age=None),
        frozenset({ACME}),
        R,
    ),
    Caller("security representative of another organization", asker(names=[OMEGA]), frozenset({GLOBEX})),
    Caller("platform", asker(is_platform=True, mfa_age=MAX_AGE), has=P),
    Caller("platform with stale MFA", asker(is_platform=True, mfa_age=MAX_AGE + 1), has=P),
    Caller("API account", asker({ALPHA: ()}, kind=AccountKind.API_ACCOUNT, has_factor=False, mfa_age=None)),
]


def expected(name: str, caller: Caller) -> Answer:
    """Who they are, what they see, their profile or authority, their second factor."""
    who = WHO[name]
    takes_profile = all(isinstance(one, Profile) for one in who)
    if caller.asker is None:
        return Answer("UNAUTHENTICATED")
    if caller.name.endswith("of another organization") and name not in OF_NO_ORGANIZATION:
        return Answer("NOT_FOUND")
    if takes_profile and caller.has in (P, R):  # they see names, not what is in a Cloud
        return Answer("NOT_FOUND")
    if caller.name == "API account":
        return Answer("FORBIDDEN", ("API_ACCOUNT",))
    if caller.has not in who:
        return Answer("FORBIDDEN", ("MISSING_PROFILE" if takes_profile else "MISSING_AUTHORITY",), who)
    if "without factor" in caller.name:
        return Answer("MFA_ENROLMENT_REQUIRED", ("MFA_NOT_ENROLLED",))
    if "stale" in caller.name:
        return Answer("INSUFFICIENT_USER_AUTHENTICATION", ("MFA_STALE",))
    return Answer(None, needs_approval=name in CHANGES_GRANTS_OR_FACTORS)


EXPECTED = {(name, caller.name): expected(name, caller) for name, caller in product(WHO, CALLERS)}


def answer(found: AdministrationGrant | Denial) -> Answer:
    if isinstance(found, AdministrationGrant):
        return Answer(None, needs_approval=found.needs_approval)
    if isinstance(found, AdministrationDenial):
        return Answer(
            found.refusal, found.reasons + found.obstacles, found.missing_profiles + found.missing_authorities
        )
    return Answer(found.refusal, found.reasons, found.missing_profiles)


def decided() -> dict[tuple[str, str], Answer]:
    """The whole table, as the code decides it."""
    return {
        (name, caller.name): answer(
            decide_administration(caller.asker, caller.represents, Administration(name), TARGET, NOW)
        )
        for name, caller in product(WHO, CALLERS)
    }


def as_representative(administration: Administration, target: Target) -> AdministrationGrant | Denial:
    return decide_administration(REP, [ACME], administration, target, NOW)


# -- the table


def test_every_change_outside_the_matrix_has_one_row() -> None:
    assert [rule.administration.value for rule in RULES.values()] == list(Administration) == list(WHO)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_every_change_is_decided_as_the_design_says(caller: Caller) -> None:
    found = {name: answer for (name, caller_name), answer in decided().items() if caller_name == caller.name}
    assert found == {name: EXPECTED[name, caller.name] for name in WHO}


def test_no_change_is_called_as_an_action_is() -> None:
    assert set(Administration).isdisjoint({action.value for action in Action})


def test_a_row_states_either_authorities_or_a_role() -> None:
    assert [rule for rule in RULES.values() if bool(rule.authorities) is bool(rule.profiles)] == []
    assert RULES[Administration.CREATE_SERVICE].mutation == "createService"


def test_a_grant_says_what_was_decided_for_whom_and_about_what() -> None:
    grant = as_representative(Administration.PROPOSE_PROFILE, TARGET)
    assert isinstance(grant, AdministrationGrant)
    assert (grant.rule.administration, grant.account_id) == (Administration.PROPOSE_PROFILE, ANN)
    assert (grant.target, grant.decided_at) == (TARGET, NOW)


# -- two persons


@pytest.mark.parametrize("name", sorted(CHANGES_GRANTS_OR_FACTORS - {"APPROVE_ACCOUNT"}))
def test_nobody_gives_to_themselves_or_takes_from_themselves(name: str) -> None:
    own = replace(TARGET, account_id=ANN)
    person = asker(names=[ALPHA], member_of=[ACME], is_platform=True)
    found = decide_administration(person, [ACME], Administration(name), own, NOW)
    assert found == AdministrationDenial(Refusal.FORBIDDEN, obstacles=(Obstacle.OWN_ACCOUNT,))


@pytest.mark.parametrize("name", sorted(TAKES_A_SECOND_PERSON))
def test_nobody_approves_what_they_proposed(name: str) -> None:
    both = asker(names=[ALPHA], member_of=[ACME], is_platform=True)
    own = replace(TARGET, proposed_by=ANN)
    found = decide_administration(both, [ACME], Administration(name), own, NOW)
    assert found == AdministrationDenial(Refusal.FORBIDDEN, obstacles=(Obstacle.OWN_PROPOSAL,))


def test_who_lacks_the_authority_is_not_told_of_persons_or_factors() -> None:
    own = replace(TARGET, account_id=ANN, proposed_by=ANN)
    person = asker({ALPHA: {Profile.POW}}, has_factor=False, mfa_age=None)
    found = decide_administration(person, [], Administration.APPROVE_PROFILE, own, NOW)
    assert isinstance(found, AdministrationDenial)
    assert found.obstacles == (Obstacle.MISSING_AUTHORITY,)
    assert found.missing_authorities == (Authority.PLATFORM, Authority.SECURITY_REPRESENTATIVE)
    assert found.reasons == ()


# -- where


def test_a_cloud_given_with_another_organization_is_not_found() -> None:
    both = asker({ALPHA: {Profile.POW}, OMEGA: {Profile.POW}})
    mixed = replace(TARGET, organization_id=GLOBEX)
    for name in WHO:
        if name not in OF_NO_ORGANIZATION and RULES[Administration(name)].level is Level.CLOUD:
            found = decide_administration(both, [ACME, GLOBEX], Administration(name), mixed, NOW)
            assert found == Denial(Refusal.NOT_FOUND), name


@pytest.mark.parametrize("name", WHO)
def test_a_target_that_does_not_say_enough_decides_nothing(name: str) -> None:
    rule = RULES[Administration(name)]
    required = {
        "organization_id": rule.level is not Level.PLATFORM,
        "cloud_id": rule.level is Level.CLOUD,
        "account_id": rule.changes_account,
        "proposed_by": rule.second_person,
    }
    for member, is_required in required.items():
        if is_required:
            with pytest.raises(ValueError, match="is decided for"):
                decide_administration(None, [], rule.administration, replace(TARGET, **{member: None}), NOW)


@given(
    administration=st.sampled_from(Administration),
    held=st.dictionaries(st.sampled_from([ALPHA, BETA, OMEGA]), st.frozensets(st.sampled_from(Profile))),
    represents=st.frozensets(st.sampled_from([ACME, GLOBEX])),
    platform=st.booleans(),
    kind=st.sampled_from(AccountKind),
    account=st.sampled_from([ANN, BOB, CAROL]),
    mfa_age=st.none() | st.integers(-60, 600),
    factor=st.booleans(),
)
def test_nothing_is_granted_but_to_whom_the_design_names(
    administration: Administration,
    held: dict[UUID, frozenset[Profile]],
    represents: frozenset[UUID],
    platform: bool,
    kind: AccountKind,
    account: UUID,
    mfa_age: int | None,
    factor: bool,
) -> None:
    names = [
        cloud for cloud, of in ((ALPHA, ACME), (BETA, ACME), (OMEGA, GLOBEX)) if of in represents and cloud not in held
    ]
    somebody = asker(
        held, names=names, is_platform=platform, kind=kind, account=account, mfa_age=mfa_age, has_factor=factor
    )
    has: set[Any] = set(held.get(ALPHA, ()))
    has |= ({P} if platform else set()) | ({R} if ACME in represents else set())
    name = administration.value
    own = name in CHANGES_GRANTS_OR_FACTORS - {"APPROVE_ACCOUNT"} and account == BOB
    own = own or (name in TAKES_A_SECOND_PERSON and account == CAROL)
    may = not has.isdisjoint(WHO[name]) and not own and kind is AccountKind.PERSON
    fresh = factor and mfa_age is not None and -30 <= mfa_age <= MAX_AGE
    found = decide_administration(somebody, represents, administration, TARGET, NOW)
    assert isinstance(found, AdministrationGrant) is (may and fresh)


# -- only a decision makes a grant; every change of a row is noticed


def test_a_grant_is_made_by_a_decision_only() -> None:
    with pytest.raises(TypeError, match="Only a decision grants"):
        AdministrationGrant(RULES[Administration.SET_TAGS], ANN, NOW, TARGET, seal=object())
    grant = as_representative(Administration.PROPOSE_PROFILE, TARGET)
    assert isinstance(grant, AdministrationGrant)
    changes: dict[str, Any] = {"target": replace(TARGET, account_id=ANN)}
    with pytest.raises((TypeError, ValueError)):
        replace(grant, **changes)


def mutants() -> Iterator[Any]:
    for rule in RULES.values():
        everyone: list[frozenset[Authority] | Role] = [
            *Role,
            *(frozenset({authority}) for authority in Authority),
            frozenset(Authority),
            frozenset(),
        ]
        for who in everyone:
            if who != rule.who:
                named = who if isinstance(who, Role) else " or ".join(sorted(who)) or "nobody"
                yield pytest.param(replace(rule, who=who), id=f"{rule.mutation} by {named}")
        other = MfaBinding.SESSION if rule.mfa_binding is MfaBinding.OPERATION else MfaBinding.OPERATION
        yield pytest.param(replace(rule, mfa_binding=other), id=f"{rule.mutation} bound to the {other}")
        for seconds in (-1, 1):
            changed = replace(rule, mfa_max_age=rule.mfa_max_age + seconds)
            yield pytest.param(changed, id=f"{rule.mutation} after {changed.mfa_max_age} s")


@pytest.mark.parametrize("rule", list(mutants()))
def test_a_changed_row_is_noticed(rule: AdministrationRule, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decided() == EXPECTED
    monkeypatch.setitem(RULES, rule.administration, rule)
    differing = {name for (name, caller), found in decided().items() if found != EXPECTED[name, caller]}
    assert differing == {rule.administration}
