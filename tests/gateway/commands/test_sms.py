"""The SMS (Vortext) account of a Service: opened once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from resolvers.operations.drivers.simulated import Simulation
from schema.ids import global_id
from tests.gateway.commands.asking import ask, document, done, refusals, rehearsed
from tests.gateway.privileged import Privileged

SHOWN: Final = "smsSubscription { sender perMinute perHour allowedNumbers service { name } }"
NUMBERS: Final = ["+33639980001", "+33639980002"]


def asked(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input for an account of the Service `depot`, which has none."""
    return {
        "serviceId": global_id("Service", people.shop.depot),
        "sender": "DEPOT1",
        "perMinute": 10,
        "perHour": 100,
        "allowedNumbers": NUMBERS,
        **more,
    }


INPUTS: dict[str, Callable[[Privileged], Awaitable[dict[str, Any]] | dict[str, Any]]] = {"subscribe-vortext": asked}


async def accounts(people: Privileged) -> list[Any]:
    statement = "SELECT sender, allowed_numbers FROM sms_subscription WHERE service_id = :id"
    return await people.sql(statement, id=people.shop.depot)


async def test_an_account_is_opened(people: Privileged) -> None:
    await rehearsed(people, "pow", "subscribeVortext", asked(people))
    payload = await done(people, "pow", "subscribeVortext", asked(people), SHOWN)
    assert payload["smsSubscription"] == {
        "sender": "DEPOT1",
        "perMinute": 10,
        "perHour": 100,
        "allowedNumbers": NUMBERS,
        "service": {"name": "depot"},
    }
    assert payload["operation"]["status"] == "IN_PROGRESS"
    await people.settle()
    assert await people.sql("SELECT status FROM operation WHERE action = 'SUBSCRIBE_VORTEXT'") == [("SUCCESS",)]
    assert await accounts(people) == [("DEPOT1", NUMBERS)]


async def test_a_service_has_one_account(people: Privileged) -> None:
    of_shop = asked(people, serviceId=global_id("Service", people.shop.shop))
    assert await refusals(people, "pow", "subscribeVortext", of_shop) == [("LIMIT_REACHED", None)]
    replies = await asyncio.gather(*[ask(people, "pow", "subscribeVortext", asked(people)) for _ in range(2)])
    assert sorted(reply.user_errors for reply in replies) == [[], ["LIMIT_REACHED"]]
    assert len(await accounts(people)) == 1


async def test_an_account_that_could_not_be_opened_is_taken_away_again(people: Privileged) -> None:
    await done(people, "pow", "subscribeVortext", asked(people))
    await people.settle(Simulation(0, failures={"SUBSCRIBE_VORTEXT": "no"}))
    assert await accounts(people) == []
    await done(people, "pow", "subscribeVortext", asked(people))


async def test_a_sender_may_be_a_number_and_the_numbers_may_be_left_out(people: Privileged) -> None:
    values = asked(people, sender="+33639980001", perMinute=1, perHour=1)
    del values["allowedNumbers"]
    payload = await done(people, "pow", "subscribeVortext", values, SHOWN)
    assert payload["smsSubscription"]["sender"] == "+33639980001"
    assert payload["smsSubscription"]["allowedNumbers"] == []


async def test_what_is_wrong_with_an_account_by_itself_is_told(people: Privileged) -> None:
    wrong: list[tuple[dict[str, Any], list[list[str]]]] = [
        ({"sender": ""}, [["sender"]]),
        ({"sender": "TWELVELETTER"}, [["sender"]]),
        ({"sender": "D POT"}, [["sender"]]),
        ({"sender": "Dépôt"}, [["sender"]]),
        ({"sender": "+0123456789"}, [["sender"]]),
        ({"perMinute": 0}, [["perMinute"]]),
        ({"perMinute": 101}, [["perHour"]]),
        ({"perMinute": -1, "perHour": -5}, [["perMinute"], ["perHour"]]),
        ({"allowedNumbers": ["+33639980001", "0639980001"]}, [["allowedNumbers", "1"]]),
        ({"allowedNumbers": ["+336399800011234567"]}, [["allowedNumbers", "0"]]),
        ({"allowedNumbers": ["+33639980001\n"]}, [["allowedNumbers", "0"]]),
        ({"allowedNumbers": ["+33639980001", "+33639980001"]}, [["allowedNumbers", "1"]]),
        ({"allowedNumbers": [f"+3363998{number:04}" for number in range(101)]}, [["allowedNumbers"]]),
    ]
    before = await people.state()
    for change, fields in wrong:
        reply = await people.ask("pow", document("subscribeVortext"), asked(people, **change), mfa_age=None)
        found = [(error["code"], error["field"]) for error in reply.payload["userErrors"]]
        assert found == [("INVALID_VALUE", field) for field in fields], change
    assert await people.state() == before


@pytest.mark.parametrize("number", ["+33639980001", "+861234567890123"])
async def test_a_hundred_numbers_are_kept_as_they_are(people: Privileged, number: str) -> None:
    numbers = [number, *[f"+3363998{index:04}" for index in range(99) if f"+3363998{index:04}" != number]]
    await done(people, "pow", "subscribeVortext", asked(people, allowedNumbers=numbers))
    assert await accounts(people) == [("DEPOT1", numbers)]
