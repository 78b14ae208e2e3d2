"""Denials as the errors that callers read."""

from auth.administration import AdministrationDenial
from auth.decisions import Denial, Refusal
from auth.errors import Forbidden, InsufficientUserAuthentication, ItcareError, MfaEnrolmentRequired, NotFound
from auth.errors import Unauthenticated as UnauthenticatedError
from auth.permissions import Rule


def refusal_of(denial: Denial, rule: Rule) -> ItcareError:
    """Make the error of a denial; of what the caller does not see it says what it says of what does not exist."""
    match denial.refusal:
        case Refusal.UNAUTHENTICATED:
            return UnauthenticatedError("Sign in: this needs an access token.")
        case Refusal.NOT_FOUND:
            return NotFound(rule.target)
        case Refusal.MFA_ENROLMENT_REQUIRED:
            return MfaEnrolmentRequired()
        case Refusal.INSUFFICIENT_USER_AUTHENTICATION:
            return InsufficientUserAuthentication(rule.mfa_max_age, rule.mfa_binding.value)
        case Refusal.FORBIDDEN:
            obstacles, authorities = (
                (denial.obstacles, denial.missing_authorities) if isinstance(denial, AdministrationDenial) else ((), ())
            )
            return Forbidden(
                [str(reason) for reason in (*denial.reasons, *obstacles)],
                [str(profile) for profile in denial.missing_profiles],
                [str(authority) for authority in authorities],
            )
