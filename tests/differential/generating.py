"""Generates questions: what hypothesis thinks of, in other words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    build_schema,
    print_ast,
    print_schema,
    validate,
)
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption
from hypothesis_graphql import mutations, queries

from gateway.execution.engine import RULES
from tests.differential.executing import Question, read
from tests.differential.growing import Grower
from tests.differential.mutating import Mutator
from tests.schema.tiers import examples

Rearm = Callable[[DocumentNode, Random], DocumentNode]
LONGEST = 6000


def tried(number: int) -> Callable[[Any], Any]:
    """Try so many examples, the same ones every time; what fails is made smaller by other means than hypothesis'."""
    return lambda test: seed(1)(settings(examples(number), database=None, phases=[Phase.generate])(test))


def sample(drafts: st.SearchStrategy["Draft"], number: int) -> list[Question]:
    """Give some questions, the same ones every time."""
    found: list[Question] = []

    @tried(number)
    @given(draft=drafts)
    def collect(draft: Draft) -> None:
        found.append(draft.question())

    collect()
    return found


@dataclass(frozen=True)
class Draft:
    """What hypothesis thought of, to be said in other words."""

    schema: GraphQLSchema = field(repr=False)
    document: DocumentNode
    number: int

    def question(self, rearm: Rearm = lambda document, _: document) -> Question:
        """Let the document grow, give its fields the arguments that `rearm` has for them, and mutate it."""
        # Hypothesis likes small numbers, and the same ones again.
        random = Random(f"{print_ast(self.document)} {self.number}")  # noqa: S311 - it is to be repeated
        for size, often in ((80, 0.4), (60, 0.4), (40, 0.3), (20, 0.3), (10, 0.2), (0, 0.0)):
            grown = Grower(self.schema, random, random.randint(size // 4, size)).grown(self.document)
            question = Mutator(self.schema, random, often).mutated(rearm(grown, random))
            if len(question.document) < LONGEST and not validate(self.schema, read(question.document), RULES):
                return question
        # Two fragments of what hypothesis thought of ask one field for different things.
        raise UnsatisfiedAssumption


class Questions:
    """Generates what to ask a schema."""

    def __init__(
        self, schema: GraphQLSchema, *, custom_scalars: Mapping[str, st.SearchStrategy[Any]] | None = None
    ) -> None:
        self._schema = schema
        # What is generated depends on the text of the schema alone, defaults of arguments included.
        self._text = build_schema(print_schema(schema))
        self._scalars = dict(custom_scalars or {})

    def queries(self) -> st.SearchStrategy[Draft]:
        """Generate queries of one to three root fields, or more."""
        return self._of(OperationType.QUERY, queries, most=3)

    def mutations(self) -> st.SearchStrategy[Draft]:
        """Generate mutations."""
        return self._of(OperationType.MUTATION, mutations, most=3)

    def subscriptions(self) -> st.SearchStrategy[Draft]:
        """Generate subscriptions, as if they were queries."""
        return self._of(OperationType.SUBSCRIPTION, queries, most=1)

    def _of(self, kind: OperationType, generate: Any, *, most: int) -> st.SearchStrategy[Draft]:
        root = self._text.get_root_type(kind)
        assert root is not None
        schema = self._text
        if kind is OperationType.SUBSCRIPTION:
            schema = GraphQLSchema(query=root, types=list(schema.type_map.values()))
        fields = st.lists(st.sampled_from(list(root.fields)), min_size=1, max_size=most, unique=True)
        documents = fields.flatmap(
            lambda names: generate(
                schema,
                fields=tuple(sorted(names)),
                custom_scalars=self._scalars,
                print_ast=lambda document: _as(document, kind),
                allow_x00=False,
            )
        )
        return st.builds(Draft, st.just(self._schema), documents, st.integers(0, 2**32))


def _as(document: DocumentNode, kind: OperationType) -> DocumentNode:
    """Make a query of one root type an operation of the kind that has this root type."""
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    selections = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    if kind is OperationType.SUBSCRIPTION:
        selections = selections[:1]
    made = OperationDefinitionNode(
        operation=kind,
        name=None,
        variable_definitions=(),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections)),
    )
    return DocumentNode(definitions=(made,))
