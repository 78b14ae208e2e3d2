"""Second factors on pages: setting one up, step by step, and confirming with one that it is still the same person.

A kind of factor is offered by an `Offer`: the enroller that the JSON endpoints use, too, what people are told, and two
templates, which extend `factor_begin.html` and `factor_confirm.html` where those do not do by themselves. What a
template shows is what the enroller gave (`shown`); what its form sends is what the enroller knows (`begin_members`,
`confirm_members`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.errors import BadUserInput, InsufficientUserAuthentication, ItcareError
from auth.identity.sessions import note_second_factor
from auth.mfa.challenges import Outcome, answer_challenge, find_challenge, open_session_challenge
from auth.mfa.enrolment import confirmed_factors, methods_of_account
from auth.mfa.errors import ChallengeRefused, TooManyFailures
from auth.mfa.factor import Challenge, FactorMethod, methods_of
from auth.mfa.tables import MOST_WORDS
from auth.statements import Fetch
from auth.tables import FactorKind
from gateway.http.errors import MalformedRequest
from gateway.http.factors import Calling
from gateway.http.factors.calling import Answer, Caller, Content, Waiting
from gateway.http.factors.enrolling import Enroller, confirm_with_codes
from gateway.pages.account import ACCOUNT
from gateway.pages.browser import redirect
from gateway.pages.calling import ask
from gateway.pages.forms import CONTINUE, Form, own_path
from gateway.pages.recovery import CODES_TEMPLATE
from gateway.pages.site import Site, Visit

FACTORS: Final = "/auth/account/factors"
CONFIRM: Final = "/auth/confirm"
CHALLENGE: Final = "challenge"
"""The parameter that names the challenge of an operation, which a client was given."""
MOST_MEMBER: Final = 16 * 1024
WRONG: Final = "This was not accepted. Wait for a new code; if that is not accepted either, begin again."
NOT_YET: Final = "There is no answer yet. Answer where you were asked, then go on."


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of second factor, as people are offered it."""

    enroller: Enroller
    title: str
    summary: str
    steps: Sequence[str]
    begin_template: str = "factor_begin.html"
    confirm_template: str = "factor_confirm.html"
    answer_template: str = "confirm_answer.html"

    @property
    def path(self) -> str:
        """Where it is set up."""
        return f"{FACTORS}/{self.enroller.name}"


class FactorPages:
    """The pages of second factors. People confirm with `methods`; `afterwards` is where setting up one leads."""

    def __init__(
        self,
        site: Site,
        calling: Calling,
        offers: Iterable[Offer],
        methods: Iterable[FactorMethod],
        *,
        afterwards: str = f"{ACCOUNT}?notice=factor-added",
    ) -> None:
        self._site = site
        self._calling = calling
        self._offers = tuple(offers)
        self._methods = methods_of(methods)
        self._titles = {offer.enroller.kind: offer.title for offer in self._offers}
        self._answer_templates = {offer.enroller.kind: offer.answer_template for offer in self._offers}
        self._afterwards = afterwards

    def routes(self) -> list[Route]:
        """Give the routes."""
        route = partial(self._site.route, event=Event.STEP_UP, signed_in=True)
        routes = [
            route(FACTORS, show=self._choose),
            route(CONFIRM, show=self._ask, submit=self._prompt),
            route(f"{CONFIRM}/answer", submit=self._answer),
        ]
        for offer in self._offers:
            routes.append(route(offer.path, show=partial(self._explain, offer), submit=partial(self._begin, offer)))
            routes.append(route(f"{offer.path}/confirm", submit=partial(self._confirm, offer)))
        return routes

    # -- setting up

    async def _choose(self, visit: Visit) -> Response:
        async with visit.scope() as fetch:
            factors = await confirmed_factors(fetch, visit.person.id)
        held = {factor.kind for factor in factors}
        return visit.page("factors.html", offers=self._offers, held=held, is_first=not factors)

    async def _explain(self, offer: Offer, visit: Visit) -> Response:
        return visit.page(offer.begin_template, offer=offer, typed={})

    async def _begin(self, offer: Offer, visit: Visit, form: Form) -> Response:
        enroller = offer.enroller
        body = _members(form, enroller.begin_members)
        try:
            shown = await self._call(visit, enroller.begin, body)
        except InsufficientUserAuthentication:
            return redirect(f"{CONFIRM}?{urlencode({CONTINUE: offer.path})}")
        except (BadUserInput, MalformedRequest) as refusal:
            where = str(refusal.extensions["argument"])
            problems = [(where, refusal.message if body.get(where) else "Fill this in.")]
            return visit.page(offer.begin_template, 422, offer=offer, typed=body, problems=problems)
        return visit.page(offer.confirm_template, offer=offer, shown=shown)

    async def _confirm(self, offer: Offer, visit: Visit, form: Form) -> Response:
        enroller = offer.enroller
        body = _members(form, enroller.confirm_members)
        try:
            content = await self._call(visit, partial(confirm_with_codes, enroller), body)
        except InsufficientUserAuthentication:
            return redirect(f"{CONFIRM}?{urlencode({CONTINUE: offer.path})}")
        except (ChallengeRefused, MalformedRequest):
            # The secret is shown only once; whoever has it in their app types the next code.
            shown = {"factorId": body.get("factorId", "")}
            return visit.page(offer.confirm_template, 403, offer=offer, shown=shown, problems=[("code", WRONG)])
        if isinstance(content, Mapping) and "recoveryCodes" in content:
            return visit.page(CODES_TEMPLATE, codes=content["recoveryCodes"], is_first=True)
        return redirect(self._afterwards)

    # -- confirming that it is still the same person

    async def _ask(self, visit: Visit) -> Response:
        going_on = own_path(visit.request.query_params.get(CONTINUE)) or ACCOUNT
        challenge_id = _id(visit.request.query_params.get(CHALLENGE))
        async with visit.scope() as fetch:
            held = await methods_of_account(fetch, visit.person.id, visit.now)
            challenge = await _challenge(fetch, visit.person.id, challenge_id, visit.now) if challenge_id else None
        kinds = [kind for kind in held if kind in self._methods]
        if not kinds:
            return redirect(FACTORS)
        return visit.page("confirm.html", kinds=kinds, titles=self._titles, challenge=challenge, going_on=going_on)

    async def _prompt(self, visit: Visit, form: Form) -> Response:
        going_on, method = form.own_path() or ACCOUNT, self._method(form)
        shown = await self._call(visit, partial(_put, method), {CHALLENGE: _id(form.text(CHALLENGE))})
        return self._answer_page(visit, method, going_on, shown)

    async def _answer(self, visit: Visit, form: Form) -> Response:
        going_on, method = form.own_path() or ACCOUNT, self._method(form)
        body = {"challengeId": form.uuid("challengeId"), "code": form.text("code", max(method.most_answer, 1))}
        shown = {name: form.text(name, MOST_WORDS) for name in ("challengeId", "words", "instructions", "display")}
        try:
            content = await self._call(visit, partial(_look, method), body)
        except ChallengeRefused:
            return self._answer_page(visit, method, going_on, shown, 403, [("code", WRONG)])
        if isinstance(content, Waiting):
            return self._answer_page(visit, method, going_on, shown, notice=NOT_YET)
        return redirect(going_on)

    def _answer_page(
        self,
        visit: Visit,
        method: FactorMethod,
        going_on: str,
        shown: Mapping[str, Any] | Waiting,
        status: int = 200,
        problems: Sequence[tuple[str, str]] = (),
        notice: str | None = None,
    ) -> Response:
        return visit.page(
            self._answer_templates.get(method.kind, "confirm_answer.html"),
            status,
            method=method,
            title=self._titles.get(method.kind, method.kind.value),
            shown=shown,
            going_on=going_on,
            problems=problems,
            notice=notice,
        )

    def _method(self, form: Form) -> FactorMethod:
        try:
            return self._methods[FactorKind(form.text("method"))]
        except (ValueError, KeyError):
            raise MalformedRequest("`method` is none of those that there are.", argument="method") from None

    async def _call(self, visit: Visit, answer: Answer, body: dict[str, Any]) -> Content:
        """Answer as the JSON endpoints do, for who is signed in on these pages; raises ItcareError."""
        return await ask(self._calling, visit, answer, body)


def _members(form: Form, members: Collection[str]) -> dict[str, Any]:
    return {name: text for name in members if (text := form.text(name, MOST_MEMBER))}


async def _challenge(fetch: Fetch, account_id: UUID, challenge_id: UUID, now: datetime) -> Challenge:
    """Find the challenge that somebody is to answer; raises ChallengeRefused."""
    challenge = await find_challenge(fetch, account_id, challenge_id, now)
    if challenge is None:
        raise ChallengeRefused
    return challenge


def _id(text: str | None) -> UUID | None:
    """Read an id that may be left out; raises MalformedRequest."""
    return Form({CHALLENGE: text}).uuid(CHALLENGE) if text else None


async def _put(method: FactorMethod, caller: Caller, body: dict[str, Any]) -> Content:
    """Put a challenge to a person by one of their factors: that of an operation if it is named, or the session's."""
    if body[CHALLENGE] is not None:
        challenge = await _challenge(caller.fetch, caller.id, body[CHALLENGE], caller.now)
    else:
        challenge = await open_session_challenge(caller.fetch, caller.id, caller.now)
    prompt = await method.begin(caller.fetch, challenge, caller.now)
    if prompt.send is not None:
        caller.sendings.append(prompt.send)
    return {
        "challengeId": str(challenge.id),
        "words": "" if challenge.digest is None else challenge.words,
        "instructions": prompt.instructions,
        "display": prompt.display or "",
        "options": prompt.options,
    }


async def _look(method: FactorMethod, caller: Caller, body: dict[str, Any]) -> Content | ItcareError:
    """Look at an answer, and note in the session that a second factor succeeded."""
    answered = await answer_challenge(
        caller.fetch, caller.id, body["challengeId"], method, body["code"], caller.now, caller.record
    )
    match answered.outcome:
        case Outcome.RATE_LIMITED:
            return TooManyFailures(answered.wait)
        case Outcome.PENDING:
            return Waiting({})
        case Outcome.REFUSED:
            return ChallengeRefused()
        case Outcome.ACCEPTED:
            session_id, amr = caller.claims.session_id, (*caller.claims.amr, method.amr, "mfa")
            if session_id is not None:
                await note_second_factor(caller.fetch, caller.id, session_id, tuple(dict.fromkeys(amr)), caller.now)
            return {}
