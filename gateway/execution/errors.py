"""The errors of GraphQL itself, each given its `extensions.code` where it arises.

GRAPHQL_PARSE_FAILED            the document is not GraphQL
GRAPHQL_VALIDATION_FAILED       the document does not fit the schema
OPERATION_RESOLUTION_FAILURE    it is not clear which operation of the document to execute
BAD_USER_INPUT                  a variable or an argument has a wrong value; `argument` names it
"""

import re

from graphql import GraphQLError, GraphQLSyntaxError, VariableDefinitionNode
from strawberry.exceptions import StrawberryInputCoercionError

from auth.errors import BadUserInput, ItcareError

# How graphql-core begins the message of an argument that it cannot coerce while it executes.
_ARGUMENT = re.compile(r"Argument '(\w+)'")


class RequestError(Exception):
    """A request that is refused before it is executed, so that its answer has errors and no data."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(*(error.message for error in errors))
        self.errors = errors


def refusal(error: ItcareError) -> GraphQLError:
    """One of our own refusals, as a GraphQL error."""
    return GraphQLError(error.message, original_error=error)


def parse_failed(error: GraphQLSyntaxError) -> GraphQLError:
    """The document is not GraphQL."""
    return _coded(error, "GRAPHQL_PARSE_FAILED")


def validation_failed(error: GraphQLError) -> GraphQLError:
    """The document does not fit the schema."""
    if error.message == "Validation aborted.":
        error.message = "The document repeats too many fields, or spreads fragments too deeply, to be validated."
    return _coded(error, "GRAPHQL_VALIDATION_FAILED")


def operation_unresolved(message: str) -> GraphQLError:
    """It is not clear which operation of the document to execute."""
    return _coded(GraphQLError(message), "OPERATION_RESOLUTION_FAILURE")


def variable_failed(error: GraphQLError) -> GraphQLError:
    """A variable has a wrong value."""
    node = error.nodes[0] if error.nodes else None
    name = node.variable.name.value if isinstance(node, VariableDefinitionNode) else "variables"
    return _coded(error, BadUserInput.code, argument=name)


def argument_failed(error: GraphQLError) -> GraphQLError:
    """Give a wrong argument, found while executing, its code; any other error is left as it is."""
    source = error
    while isinstance(source.original_error, GraphQLError):
        source = source.original_error
    match = _ARGUMENT.match(source.message)
    if isinstance(source, StrawberryInputCoercionError) or (match and source.original_error is None):
        _coded(error, BadUserInput.code, argument=match[1] if match else "input")
    return error


def _coded(error: GraphQLError, code: str, **extensions: object) -> GraphQLError:
    error.extensions = {"code": code, **extensions}
    return error
