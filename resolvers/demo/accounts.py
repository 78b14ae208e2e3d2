"""Who can sign in to the demo."""

from dataclasses import dataclass
from typing import Final

from auth.tables import AccountKind, Profile


@dataclass(frozen=True)
class DemoAccount:
    """An account of the demo; `profiles` are pairs of a Cloud's code and what is held there."""

    email: str
    description: str
    organization: str | None = None
    profiles: tuple[tuple[str, Profile], ...] = ()
    kind: AccountKind = AccountKind.PERSON
    is_security_representative: bool = False
    is_platform: bool = False
    begins_with_factor: bool = True

    @property
    def has_factor(self) -> bool:
        """Whether the demo begins with a second factor of theirs; programs have none."""
        return self.begins_with_factor and self.kind is AccountKind.PERSON


ACCOUNTS: Final = (
    DemoAccount("std@demo.example", "Standard (STD) in Cloud alpha of acme", "acme", (("alpha", Profile.STD),)),
    DemoAccount("dtm@demo.example", "Maintenance (DTM) in Cloud alpha of acme", "acme", (("alpha", Profile.DTM),)),
    DemoAccount("ope@demo.example", "Operator (OPE) in Cloud alpha of acme", "acme", (("alpha", Profile.OPE),)),
    DemoAccount("pow@demo.example", "Power (POW) in Cloud alpha of acme", "acme", (("alpha", Profile.POW),)),
    DemoAccount(
        "nofactor@demo.example",
        "Power (POW) in Cloud alpha of acme, without a second factor",
        "acme",
        (("alpha", Profile.POW),),
        begins_with_factor=False,
    ),
    DemoAccount(
        "dev@demo.example",
        "Developer of acme: Power (POW) in Cloud dev, Standard (STD) in Cloud alpha",
        "acme",
        (("dev", Profile.POW), ("alpha", Profile.STD)),
    ),
    DemoAccount(
        "other@demo.example",
        "Power (POW) in Cloud omega of another organization, globex",
        "globex",
        (("omega", Profile.POW),),
    ),
    DemoAccount(
        "rep@demo.example",
        "Security representative of acme, with no profile in any Cloud",
        "acme",
        is_security_representative=True,
    ),
    DemoAccount(
        "bi@demo.example",
        "API account of acme: reads the whole organization",
        "acme",
        kind=AccountKind.API_ACCOUNT,
    ),
    DemoAccount("platform@demo.example", "The platform's own operator, of no organization", is_platform=True),
)
"""Every account of the demo, with what it is in words."""
