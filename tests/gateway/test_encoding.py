"""Answers as JSON, written in parts where they are large."""

import asyncio
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.breadth_first import Turns
from gateway.http.encoding import encode

leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=5))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
    max_leaves=40,
)


@given(content=st.dictionaries(st.text(max_size=3), values, max_size=4), objects=st.integers(0, 20_000))
async def test_parts_add_up_to_what_is_written_in_one_go(content: dict[str, Any], objects: int) -> None:
    whole = orjson.dumps(content)
    assert await encode(content, objects, Turns().take) == whole


async def test_others_get_their_turn_while_a_large_answer_is_written() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    working = asyncio.create_task(others())
    page = {"data": {"resources": {"nodes": [{"id": str(n)} for n in range(5000)]}}}
    assert len(orjson.loads(await encode(page, 5000, Turns().take))["data"]["resources"]["nodes"]) == 5000
    working.cancel()
    assert turns >= 10
