"""The privilege matrix in code against the matrix as it was typed from the specification."""

import csv
from itertools import pairwise
from pathlib import Path

from auth.permissions import PRIVILEGES, ROLES, Action, MfaBinding, Role
from auth.tables import Profile

TYPED = list(csv.DictReader((Path(__file__).parent / "privileges.csv").read_text().splitlines()))
HOLDERS = {
    "OPE": (Profile.OPE, Profile.POW),
    "POW": (Profile.POW,),
    "MNT": (Profile.DTM, Profile.OPE, Profile.POW),
}


def test_the_matrix_has_exactly_the_labels_and_profiles_of_the_specification() -> None:
    coded = [(row.feature, row.label, row.profiles) for row in PRIVILEGES.values()]
    assert coded == [(row["feature"], row["label"], HOLDERS[row["available_for"]]) for row in TYPED]
    assert len(coded) == len(Action) == 41


def test_every_profile_sees_resources_and_each_adds_to_the_one_before() -> None:
    held = [ROLES[profile] for profile in Profile]
    assert all(Role.SEE_RESOURCES in roles for roles in held)
    assert all(less < more for less, more in pairwise(held))


def test_what_cannot_be_undone_needs_an_approval_of_its_own() -> None:
    undoable = {row.label for row in PRIVILEGES.values() if row.label.startswith("delete-")} | {"recover-snapshot"}
    bound = {row.label for row in PRIVILEGES.values() if row.mfa_binding is MfaBinding.OPERATION}
    assert undoable < bound
    assert bound - undoable == {"create-user-objectstores", "update-user-objectstores"}


def test_a_mutation_is_the_label_in_camel_case() -> None:
    assert PRIVILEGES[Action.ENABLE_MONITORING_LB].mutation == "enableMonitoringLb"
    assert PRIVILEGES[Action.CREATE_USER_OBJECTSTORES].mutation == "createUserObjectstores"
