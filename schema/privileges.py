"""The privilege matrix as clients see it."""

import strawberry

from auth.permissions import PRIVILEGES
from schema.enums import Action, MfaBinding, Profile, Role


@strawberry.type(description="One row of the privilege matrix.")
class Privilege:
    """One row of the privilege matrix."""

    action: Action = strawberry.field(description="The action.")
    label: str = strawberry.field(description="The action as the matrix spells it, like create-instance.")
    feature: str = strawberry.field(description="The feature that the matrix groups it under.")
    mutation: str = strawberry.field(description="The name of its mutation, like createInstance.")
    role: Role = strawberry.field(description="The role it takes.")
    profiles: list[Profile] = strawberry.field(description="The profiles that hold the role, the least first.")
    mfa_max_age: int = strawberry.field(description="How old the second factor may be, in seconds.")
    mfa_binding: MfaBinding = strawberry.field(description="What the approval by the second factor is good for.")


MATRIX = [
    Privilege(
        action=row.action,
        label=row.label,
        feature=row.feature,
        mutation=row.mutation,
        role=row.role,
        profiles=list(row.profiles),
        mfa_max_age=row.mfa_max_age,
        mfa_binding=row.mfa_binding,
    )
    for row in PRIVILEGES.values()
]
