"""Both tables of rights as a page of the documentation: who may do what, and which second factor it takes."""

from collections.abc import Iterable, Iterator, Sequence

from auth.administration import RULES, AdministrationRule
from auth.permissions import PRIVILEGES, ROLES, Role
from auth.tables import Profile
from schema.administering import AUTHORITY_NAMES

ROLE_NAMES = {
    Role.SEE_RESOURCES: "See resources",
    Role.MANAGE_MAINTENANCES: "Manage maintenances",
    Role.MODIFY_RESOURCES: "Modify resources",
    Role.MANAGE_RESOURCES: "Manage resources",
}
PROFILE_NAMES = {
    Profile.STD: "Standard (STD)",
    Profile.DTM: "Maintenance (DTM)",
    Profile.OPE: "Operator (OPE)",
    Profile.POW: "Power (POW)",
}
INTRODUCTION = """\
# Who may do what

This page is printed by `itcare-gateway permissions` from the tables by which the gateway decides. What a person holds,
they hold in one Cloud; several profiles add up, and what is held in another Cloud does not count. API accounts read,
and may do nothing of what follows.

Everything on this page takes a second factor that succeeded at most so many seconds ago. Where the approval is bound to
the operation, it is good for exactly that operation, once; else for the session. A profile other than STD is inert
until a second factor is confirmed.
"""
ADMINISTRATION = """\
## Beside the matrix

Where somebody else's account is changed, it is never one's own; and what one person proposed, another one approves.
"""


def permissions_page() -> str:
    """Render the page, in Markdown."""
    return "\n".join([INTRODUCTION, *_profiles(), "", *_matrix(), "", ADMINISTRATION, *_administration(), ""])


def _profiles() -> Iterator[str]:
    yield "## Profiles\n"
    yield from _table(
        ["profile", *ROLE_NAMES.values()],
        ([PROFILE_NAMES[profile], *("yes" if role in ROLES[profile] else "" for role in Role)] for profile in Profile),
    )


def _matrix() -> Iterator[str]:
    yield "## The privilege matrix\n"
    yield from _table(
        ["feature", "label", "mutation", "", "who may", "MFA at most", "bound to"],
        (
            [
                row.feature,
                f"`{row.label}`",
                f"`{row.mutation}`",
                row.description,
                ", ".join(row.profiles),
                f"{row.mfa_max_age} s",
                row.mfa_binding.value.lower(),
            ]
            for row in PRIVILEGES.values()
        ),
    )


def _administration() -> Iterator[str]:
    yield from _table(
        ["mutation", "", "who may", "MFA at most", "bound to", "not for"],
        (
            [
                f"`{rule.mutation}`",
                rule.description,
                _who(rule),
                f"{rule.mfa_max_age} s",
                rule.mfa_binding.value.lower(),
                _not_for(rule),
            ]
            for rule in RULES.values()
        ),
    )


def _who(rule: AdministrationRule) -> str:
    return ", ".join(rule.profiles) or " or ".join(AUTHORITY_NAMES[authority] for authority in rule.authorities)


def _not_for(rule: AdministrationRule) -> str:
    kept = {"one's own account": rule.changes_account, "what one proposed": rule.second_person}
    return ", ".join(name for name, holds in kept.items() if holds)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"
