from pathlib import Path

import pytest
from graphql import GraphQLSchema, NonNullTypeNode, OperationDefinitionNode, build_schema, parse, validate

from gateway.web import SOURCES

SDL = Path(__file__).parents[2] / "schema.graphql"
EXAMPLES = sorted((SOURCES / "examples").glob("*.graphql"))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


def test_there_are_six_examples() -> None:
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_one_valid_query_that_runs_as_it_is_pasted(path: Path, schema: GraphQLSchema) -> None:
    document = parse(path.read_text())
    assert validate(schema, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.operation.value == "query"
    # GraphiQL titles the tab by it.
    assert operation.name
    variables = operation.variable_definitions or ()
    assert not [variable for variable in variables if isinstance(variable.type, NonNullTypeNode)]
