from time import process_time
from typing import Any

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind, get_introspection_query
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.errors import ItcareError, LimitExceeded
from gateway.execution import Engine, RequestError
from gateway.limits import check_tokens
from gateway.settings import Limits
from tests.gateway.library import RESPONSE_JSON, Application, page_size, schema

ALL = Limits(
    tokens=10**6, depth=10**6, aliases=10**6, directives=10**6, fragment_spreads=10**6, introspection_depth=10**6
)


def refusal(document: str, limits: Limits | None = None, variables: dict[str, Any] | None = None) -> dict[str, object]:
    """What a document is refused with: code and extensions."""
    engine = Engine(schema, limits or Limits(), page_size)
    with pytest.raises(RequestError) as caught:
        engine.bind(engine.prepare(document), variables=variables)
    (error,) = caught.value.errors
    cause = error.original_error
    assert isinstance(cause, ItcareError), error
    return {"code": cause.code, **cause.extensions}


def exceeded(limit: str, value: int, maximum: int) -> dict[str, object]:
    return {"code": "LIMIT_EXCEEDED", "limit": limit, "value": value, "maximum": maximum}


def objects(document: str, variables: dict[str, Any] | None = None) -> int:
    engine = Engine(schema, ALL, page_size)
    return engine.bind(engine.prepare(document), variables=variables).objects


def doubling(fragments: int, *, on: str = "Query", spread: str = "...f{}", leaf: str = "__typename") -> str:
    """Fragments of which each spreads the next one twice: 2 ** fragments times the last one."""
    chain = (f"fragment f{n} on {on} {{ {spread.format(n + 1)} {spread.format(n + 1)} }}" for n in range(fragments))
    return " ".join(chain) + f" fragment f{fragments} on {on} {{ {leaf} }}"


# Refusals that must be cheap


@pytest.mark.parametrize(
    ("document", "limit", "value", "maximum"),
    [
        pytest.param(
            "{ shelf(id: 1) {" + " books(first: 1) { nodes { shelf {" * 20 + " id " + "}}}" * 20 + "}}",
            "depth",
            41,
            12,
            id="20 levels in a cycle",
        ),
        pytest.param("{ ...f0 } " + doubling(25), "fragmentSpreads", 2**26 - 1, 1000, id="2^25 spreads"),
        pytest.param(
            "{ ...f0 } " + doubling(120), "fragmentSpreads", 2**53 - 1, 1000, id="2^120 spreads, shown as the most"
        ),
        pytest.param(
            "{" + " ".join(f"a{n}: __typename" for n in range(5000)) + "}", "tokens", 15_002, 2000, id="5,000 aliases"
        ),
        pytest.param("{ shelf" * 12_000, "tokens", 24_000, 2000, id="12,000 open braces"),
        pytest.param("{ __typename }" + "#\n" * 30_000, "tokens", 30_003, 2000, id="30,000 comments"),
    ],
)
async def test_a_hostile_document_is_refused_with_the_name_and_value_of_the_limit(
    document: str, limit: str, value: int, maximum: int
) -> None:
    seconds: list[float] = []
    async with Application().client(accept=RESPONSE_JSON) as client:
        for _ in range(3):
            started = process_time()
            response = await client.post("/graphql", json={"query": document})
            seconds.append(process_time() - started)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"] == exceeded(limit, value, maximum)
    assert min(seconds) < 0.1


# Tokens, aliases, directives, spreads


@pytest.mark.parametrize(
    ("document", "tokens"),
    [
        ("", 0),
        ("{ a, b }", 4),
        ("{ a # b c\n }", 4),
        ('{ a(b: "c d \\" e") }', 8),
        ('{ a(b: """c "d" \\""" e""") }', 8),
        ('{ a(b: "") c(d: """""") }', 14),
        ("query($a: [Int!]! = [-1 2.5e-3]) @b { ...c ... on D { e } }", 28),
        ("[1-1-1]", 5),
        ("\ufeff{ ü }", 3),
    ],
)
def test_tokens_are_counted_without_parsing(document: str, tokens: int) -> None:
    assert check_tokens(document, Limits()) == tokens


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from('{}()[]:!|&$@=.,"\\#- \n\r\tabn019e_ü'), max_size=60))
def test_what_can_be_lexed_has_as_many_tokens_as_the_lexer_finds(document: str) -> None:
    lexer = Lexer(Source(document))
    tokens = comments = 0
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            tokens += 1
    except GraphQLSyntaxError:
        return
    token = lexer.token
    while token.prev is not None:
        comments += token.kind is TokenKind.COMMENT
        token = token.prev
    assert check_tokens(document, ALL) == tokens + comments


@pytest.mark.parametrize("quotes", ['"""' + '\\"""' * 20_000, '"' * 99_999, '"""' + '"\\' * 40_000])
def test_quotes_that_are_never_closed_are_left_to_the_parser(quotes: str) -> None:
    prepared = Engine(schema, ALL, page_size).prepare("{ echo(text: " + quotes)
    assert [error.extensions for error in prepared.errors] == [{"code": "GRAPHQL_PARSE_FAILED"}]


def test_aliases_count_wherever_their_fragment_is_spread() -> None:
    fragment = " fragment f on Shelf { a: id b: name }"
    at_most = Limits(aliases=6)
    shelves = "{ shelf(id: 1) { ...f below { ...f below { ...f %s } } } }"
    assert Engine(schema, at_most, page_size).prepare(shelves % "" + fragment).errors == ()
    assert refusal(shelves % "c: id" + fragment, at_most) == exceeded("aliases", 7, 6)
    assert refusal(shelves % "below { ...f }" + fragment, at_most) == exceeded("aliases", 8, 6)


def test_directives_count_wherever_they_stand() -> None:
    document = (
        "query($on: Boolean = true @include(if: true)) @include(if: true) { shelf(id: 1) @include(if: $on) {"
        " ... @include(if: $on) { id } ...f @include(if: $on) } } fragment f on Shelf @include(if: true) { id }"
    )
    assert refusal(document, Limits(directives=5)) == exceeded("directives", 6, 5)


def test_the_limits_of_a_document_hold_for_all_its_operations() -> None:
    document = "query A { a: __typename } query B { b: __typename }"
    assert refusal(document, Limits(aliases=1)) == exceeded("aliases", 2, 1)


def test_fragments_that_do_not_exist_or_form_a_cycle_are_left_to_validation() -> None:
    engine = Engine(schema, Limits(), page_size)
    for document in (
        "{ ...f }",
        "{ ...f } fragment f on Query { ...f }",
        "{ ...f } " + "fragment f on Query { ...g } " * 2,
    ):
        errors = engine.prepare(document).errors
        assert {error.extensions["code"] for error in errors if error.extensions} == {"GRAPHQL_VALIDATION_FAILED"}


# Levels


@pytest.mark.parametrize(
    ("selection", "levels"),
    [
        ("__typename", 0),
        ("shelf(id: 1) { id }", 1),
        ("shelf(id: 1) { below { below { id } } }", 3),
        ("shelves { totalCount pageInfo { hasNextPage } }", 1),
        ("shelves { nodes { id } }", 1),
        ("shelf(id: 1) { books { edges { node { id } } } }", 2),
        ("shelf(id: 1) { books { nodes { shelf { neighbours { id } } } } }", 4),
        ("... { ... on Query { shelf(id: 1) { ... { ... on Item { id } } } } }", 1),
        ("...f", 2),
        ("shelf(id: 1) { ...g } ...f", 3),
    ],
)
def test_levels_are_those_of_objects_not_of_a_connections_wrapping(selection: str, levels: int) -> None:
    document = f"{{ {selection} }}"
    if "...f" in document:
        document += " fragment f on Query { shelf(id: 1) { below { id } } }"
    if "...g" in document:
        document += " fragment g on Shelf { below { below { id } } }"
    assert Engine(schema, Limits(depth=max(levels, 1)), page_size).prepare(document).errors == ()
    if levels > 1:
        assert refusal(document, Limits(depth=levels - 1)) == exceeded("depth", levels, levels - 1)


def test_introspection_has_levels_of_its_own() -> None:
    tools = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    assert Engine(schema, Limits(depth=1), page_size).prepare(tools).errors == ()
    deep = "{ __schema { types { ...t } } } fragment t on __Type {" + " ofType {" * 16 + " name " + "}" * 17
    assert refusal(deep) == exceeded("introspectionDepth", 17, 16)


def test_introspection_that_multiplies_itself_is_refused() -> None:
    document = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    (error,) = Engine(schema, Limits(), page_size).prepare(document).errors
    assert error.message == "Maximum introspection depth exceeded"


# Objects


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ("__typename viewer { subject }", 1),
        ("shelves { nodes { id } }", 20),
        ("shelves { totalCount pageInfo { hasNextPage } }", 0),
        ("shelves(first: 3) { nodes { id } totalCount }", 3),
        ("shelves(last: 4) { nodes { id } }", 4),
        ("shelves(first: null) { nodes { id } }", 20),
        ("shelves(first: 0) { nodes { below { id } } }", 0),
        ("shelves(first: 3) { nodes { books(first: 5) { nodes { id } } } }", 3 + 3 * 5),
        ("shelves(first: 3) { nodes { books(first: 5) { edges { cursor node { shelf { id } } } } } }", 3 + 3 * 5 * 2),
        ("shelves(first: 3) { nodes { neighbours { below { id } } } }", 3 + 3 * 2 * 2),
        ("shelf(id: 1) { levels { id } }", 1 + 10),
        ("items(ids: [1, 2, 3]) { id }", 3),
        ("items(ids: 1) { id }", 1),
        ("items(ids: []) { ... on Shelf { below { id } } }", 0),
        ("items(ids: [1, 2]) { ... on Shelf { below { id } } ... on Book { shelf { id } } }", 2 + 2 * 2),
        ("__schema { types { fields { name } } }", 0),
        ("shelves(first: 2) { ...page ...page }", 2 * 2 * (1 + 1)),
        ("shelves(first: 2) { ...page } shelf(id: 1) { below { ...shelf } }", 4 + 2 + 1),
    ],
)
def test_objects_are_counted_from_page_sizes(selection: str, count: int) -> None:
    document = f"{{ {selection} }}"
    if "...page" in document:
        document += " fragment page on ShelfConnection { nodes { ...shelf } } fragment shelf on Shelf { below { id } }"
    assert objects(document) == count


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 7 * 3),
        ({"first": None}, 20 * 3),
        ({"first": 2}, 2 * 3),
        ({"first": 2.0}, 2 * 3),
        ({"first": 2, "ids": []}, 2 * 3),
        ({"first": 2, "ids": "1"}, 2 * 3 + 1),
        ({"first": 2, "ids": ["1", "2"]}, 2 * 3 + 2),
        ({"first": 0, "ids": ["1", "2"]}, 2),
    ],
)
def test_variables_decide_how_many_objects_a_cached_document_asks_for(variables: dict[str, Any], count: int) -> None:
    document = (
        "query($first: Int = 7, $ids: [ID!]! = []) {"
        " shelves(first: $first) { nodes { neighbours { id } } } items(ids: $ids) { id } }"
    )
    assert objects(document, variables) == count


def test_an_operation_may_ask_for_as_many_objects_as_the_limit() -> None:
    document = "query($n: Int!) { shelves(first: $n) { nodes { books(first: 99) { nodes { id } } } } }"
    engine = Engine(schema, Limits(objects=1000), page_size)
    assert engine.bind(engine.prepare(document), variables={"n": 10}).objects == 1000
    assert refusal(document, Limits(objects=1000), {"n": 11}) == exceeded("objects", 1100, 1000)


def test_fragments_multiply_objects_without_being_walked_again() -> None:
    document = "{ shelf(id: 1) { ...f0 } } " + doubling(
        9, on="Shelf", spread="books(first: 100) {{ nodes {{ shelf {{ ...f{} }} }} }}", leaf="id"
    )
    assert refusal(document, Limits(depth=100, fragment_spreads=10**6))["value"] == 2**53 - 1


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [("first: 101", "first"), ("first: -1", "first"), ("last: 101", "last"), ("first: 1, last: 1", "last")],
)
def test_a_page_that_cannot_be_is_refused_at_any_depth_and_in_any_fragment(arguments: str, argument: str) -> None:
    expected = {"code": "BAD_USER_INPUT", "argument": argument}
    assert refusal(f"{{ shelves({arguments}) {{ totalCount }} }}") == expected
    assert (
        refusal(f"{{ shelf(id: 1) {{ ...f }} }} fragment f on Shelf {{ books({arguments}) {{ totalCount }} }}")
        == expected
    )


def test_the_pages_of_an_operation_that_is_not_executed_are_its_own() -> None:
    engine = Engine(schema, Limits(), page_size)
    document = "query A { __typename } query B { shelves(first: 101) { totalCount } }"
    assert engine.bind(engine.prepare(document), "A").objects == 0


# Mutations


def test_a_mutation_has_one_root_field() -> None:
    engine = Engine(schema, Limits(), page_size)
    for document in (
        'mutation { rename(name: "a") __typename }',
        'mutation { ...f ...f } fragment f on Mutation { rename(name: "a") }',
    ):
        assert engine.bind(engine.prepare(document)).objects == 0
    for document in (
        'mutation { rename(name: "a") other: rename(name: "a") }',
        'mutation { rename(name: "a") ...f } fragment f on Mutation { ... { other: rename(name: "b") } }',
    ):
        assert refusal(document) == exceeded("mutationRootFields", 2, 1)


def test_a_refusal_reads_as_a_sentence() -> None:
    with pytest.raises(LimitExceeded, match=r"^The document has 2,001 tokens; at most 2,000 are allowed\.$"):
        check_tokens("a " * 2001, Limits())
