"""However codes and tokens are used, in whatever order: what is good is what a small model says is good."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.openid.house import CONSOLE, REVOKE, House, Person, Proof

Step = tuple[str, int]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ask", "take", "take", "refresh", "refresh", "refresh", "revoke", "revoke access", "sign out"]
        ),
        st.integers(min_value=0, max_value=9),
    ),
    min_size=3,
    max_size=14,
)


@dataclass
class Family:
    """What one code gave."""

    alive: bool = True
    newest: str = ""
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: list[str] = field(default_factory=list)

    def given(self, tokens: dict[str, Any]) -> None:
        self.newest = tokens["refresh_token"]
        self.refresh_tokens.append(tokens["refresh_token"])
        self.access_tokens.append(tokens["access_token"])


@dataclass
class Code:
    text: str
    proof: Proof
    family: Family | None = None
    is_void: bool = False


class Model:
    """A person with one sign-in, whose client does everything it can, right and wrong."""

    def __init__(self, house: House, person: Person) -> None:
        self.house, self.person = house, person
        self.codes: list[Code] = []
        self.families: list[Family] = []

    async def do(self, what: str, which: int) -> None:
        match what:
            case "ask":
                proof = Proof()
                self.codes.append(Code(await self.person.code(proof), proof))
            case "take" if self.codes:
                await self.take(self.codes[which % len(self.codes)])
            case "sign out":
                await self.sign_out()
            case "refresh" | "revoke" | "revoke access" if self.families:
                family = self.families[which % len(self.families)]
                if what == "refresh":
                    await self.refresh(family, family.refresh_tokens[-1 - which % min(2, len(family.refresh_tokens))])
                else:
                    await self.revoke(
                        family, family.refresh_tokens if what == "revoke" else family.access_tokens, which
                    )

    async def take(self, code: Code) -> None:
        answer = await self.person.takes(code.text, code.proof)
        if code.family is None and not code.is_void:
            assert answer.status_code == 200, answer.text
            code.family = Family()
            code.family.given(answer.json())
            self.families.append(code.family)
        else:
            assert answer.json()["error"] == "invalid_grant"
            if code.family is not None:
                code.family.alive = False

    async def refresh(self, family: Family, token: str) -> None:
        answer = await self.person.refreshes(token)
        if family.alive and token == family.newest:
            assert answer.status_code == 200, answer.text
            family.given(answer.json())
        else:
            assert answer.json()["error"] == "invalid_grant"
            family.alive = False

    async def revoke(self, family: Family, tokens: Sequence[str], which: int) -> None:
        form = {"client_id": CONSOLE, "token": tokens[which % len(tokens)]}
        assert (await self.house.http.post(REVOKE, data=form)).status_code == 200
        family.alive = False

    async def sign_out(self) -> None:
        await self.person.sign_out()
        for family in self.families:
            family.alive = False
        for code in self.codes:
            code.is_void = True
        await self.person.sign_in()

    async def is_as_it_should_be(self) -> None:
        for family in self.families:
            for token in family.access_tokens:
                assert await self.house.is_let_in(token) is family.alive
        for family in self.families:
            await self.refresh(family, family.newest)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
async def test_what_is_good_is_what_was_given_and_neither_used_twice_nor_revoked(
    house: House, steps: list[Step]
) -> None:
    model = Model(house, await house.person())
    for what, which in steps:
        await model.do(what, which)
    await model.is_as_it_should_be()
