from itertools import product
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution import Engine, RequestError
from gateway.execution.documents import FIELDS_KEPT, DocumentCache, Prepared
from gateway.settings import Limits
from tests.gateway.library import Library, Query, page_size, schema


@pytest.fixture
def engine() -> Engine:
    return Engine(schema, Limits(), page_size)


async def execute(engine: Engine, document: str, variables: dict[str, Any] | None = None) -> ExecutionResult:
    return await engine.execute(engine.bind(engine.prepare(document), variables=variables), Library())


async def test_an_operation_is_executed_with_its_variables(engine: Engine) -> None:
    document = "query($id: ID!) { shelf(id: $id) { id below { id } } }"
    result = await execute(engine, document, {"id": 7})
    assert result == ExecutionResult({"shelf": {"id": "7", "below": {"id": "2"}}}, None)


async def test_resolvers_find_the_context_of_their_own_operation(engine: Engine) -> None:
    prepared = engine.prepare("{ slow }")
    first, second = Library(), Library()
    first.released.set()
    second.released.set()
    await engine.execute(engine.bind(prepared), first)
    assert first.started.is_set()
    assert not second.started.is_set()


def test_a_valid_document_is_read_once(engine: Engine) -> None:
    assert engine.prepare("{ __typename }") is engine.prepare("{ __typename }")
    assert engine.prepare("{ __typename }") is not engine.prepare("{ __typename  }")


def test_an_invalid_document_is_not_kept(engine: Engine) -> None:
    with_suggestions = engine.prepare("{ shelfs { id } }")
    without = engine.prepare("{ shelfs { id } }", hide_suggestions=True)
    assert "Did you mean" in with_suggestions.errors[0].message
    assert "Did you mean" not in without.errors[0].message


async def test_a_plan_serves_all_requests_that_skip_the_same_fields(engine: Engine) -> None:
    document = "query($id: ID!, $brief: Boolean!) { shelf(id: $id) { id below @skip(if: $brief) { id } } }"
    for id_ in (7, 8):
        for brief in (True, False):
            answer = (await execute(engine, document, {"id": id_, "brief": brief})).data
            assert answer is not None
            assert ("below" in answer["shelf"]) is not brief
    prepared = engine.prepare(document)
    assert prepared.conditions == ("brief",)
    assert len(prepared.plans) == 2


async def test_the_plans_of_a_document_are_kept_within_bounds(engine: Engine) -> None:
    names = [f"v{n}" for n in range(7)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: id @skip(if: ${name})" for name in names)
    document = f"query({declared}) {{ shelf(id: 7) {{ name {fields} }} }}"
    prepared = engine.prepare(document)
    room = FIELDS_KEPT * prepared.tokens
    kept = []
    for skipped in product([True, False], repeat=len(names)):
        answer = (await execute(engine, document, dict(zip(names, skipped, strict=True)))).data
        there = {name: "7" for name, absent in zip(names, skipped, strict=True) if not absent}
        assert answer == {"shelf": {"name": "A shelf", **there}}
        kept.append(sum(plan.fields for plan in prepared.plans.values()))
    assert room / 2 < max(kept) <= room
    assert 1 < len(prepared.plans) < 2 ** len(names)


async def test_a_plan_too_large_for_its_document_is_not_kept(engine: Engine) -> None:
    document = """
        { a: shelf(id: 1) { ...a } b: shelf(id: 2) { ...a } }
        fragment a on Shelf { below { ...b } neighbours { ...b } }
        fragment b on Shelf { below { ...c } neighbours { ...c } }
        fragment c on Shelf { below { ...d } neighbours { ...d } }
        fragment d on Shelf { below { ...e } neighbours { ...e } }
        fragment e on Shelf { below { ...f } neighbours { ...f } }
        fragment f on Shelf { below { ...g } neighbours { ...g } }
        fragment g on Shelf { below { id } neighbours { id } }
    """
    first = (await execute(engine, document)).data
    assert first is not None
    assert not engine.prepare(document).plans
    assert (await execute(engine, document)).data == first


def test_the_cache_forgets_the_documents_used_longest_ago() -> None:
    cache = DocumentCache(size=245_000)
    documents = {text: Prepared(tokens=10) for text in "abc"}
    for text, prepared in documents.items():
        cache.put(text, prepared)
    assert cache.get("a") is documents["a"]
    cache.put("d", Prepared(tokens=10))
    assert cache.get("b") is None
    assert cache.get("a") is documents["a"]
    cache.put("too large to keep", Prepared(tokens=100))
    assert all(cache.get(text) is None for text in ["a", "c", "d", "too large to keep"])
    cache.put("a", documents["a"])
    assert cache.get("a") is documents["a"]


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("{ search(by: {}) }", None, "GRAPHQL_VALIDATION_FAILED"),
        ('{ search(by: {title: "a", author: "b"}) }', None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ search(by: {title: null}) }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query($t: String) { search(by: {title: $t}) }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query($by: Search!) { search(by: $by) }", {"by": {}}, "BAD_USER_INPUT"),
        ("query($by: Search!) { search(by: $by) }", {"by": {"title": "a", "author": "b"}}, "BAD_USER_INPUT"),
        ("query($by: Search!) { search(by: $by) }", {"by": {"title": None}}, "BAD_USER_INPUT"),
    ],
)
def test_an_input_of_which_one_field_is_expected_has_exactly_one(
    engine: Engine, document: str, variables: dict[str, Any] | None, code: str
) -> None:
    with pytest.raises(RequestError) as caught:
        engine.bind(engine.prepare(document), variables=variables)
    assert {error.extensions["code"] for error in caught.value.errors if error.extensions} == {code}


async def test_the_executor_can_be_another_one() -> None:
    executed: list[object] = []

    class Noting(StrawberryGraphQLCoreExecutionContext):
        def complete_value(self, *args: Any) -> Any:
            executed.append(args[0])
            return super().complete_value(*args)

    engine = Engine(schema, Limits(), page_size, executor_class=Noting)
    assert (await execute(engine, "{ echo }")).data == {"echo": " 0 0 "}
    assert [str(type_) for type_ in executed] == ["String!", "String"]


async def test_an_answer_in_several_pieces_is_a_fault_of_the_schema() -> None:
    config = StrawberryConfig(enable_experimental_incremental_execution=True)
    engine = Engine(strawberry.Schema(Query, config=config), Limits(), page_size)
    with pytest.raises(TypeError, match="@defer"):
        await execute(engine, "{ ... @defer { echo } }")


async def test_documents_that_overlap_a_lot_are_still_validated(engine: Engine) -> None:
    component = "id name books { nodes { id title shelf { id name } } } neighbours { id below { id name } }"
    fragments = " ".join(f"fragment f{n} on Shelf {{ {component} }}" for n in range(15))
    spreads = " ".join(f"...f{n}" for n in range(15))
    result = await execute(engine, f"{{ shelf(id: 1) {{ {spreads} }} }} {fragments}")
    assert result.errors is None
