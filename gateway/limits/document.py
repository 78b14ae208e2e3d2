"""The size of a document as text and syntax. This runs before validation, whose own cost it keeps small."""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

from gateway.limits.require import require_at_most
from gateway.settings import Limits

# One match per token. A comment counts too, because the parser keeps it. Quotes that are never closed match to the end,
# for the parser to refuse: so what began to match never fails, nothing backtracks, and no text makes this quadratic.
# Possessive quantifiers (*+) would say so, but match wrongly before Python 3.11.5.
_TOKEN = re.compile(
    r'''
      """ (?: [^"\\]+ | \\""" | \\ | "(?!"") )* (?: """ | \Z )
    | " (?: [^"\\\n\r]+ | \\. )* "?
    | \# [^\n\r]*
    | [_A-Za-z] [_0-9A-Za-z]*
    | -? [0-9]+ (?: \.[0-9]+ )? (?: [eE][+-]?[0-9]+ )?
    | \.\.\.
    | [^\t\n\r\ ,\ufeff]
    ''',
    re.VERBOSE,
)


class _Totals(NamedTuple):
    """What a definition contains, its fragments counted wherever they are spread."""

    aliases: int = 0
    directives: int = 0
    fragment_spreads: int = 0

    def plus(self, other: "_Totals") -> "_Totals":
        return _Totals(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def check_tokens(text: str, limits: Limits) -> int:
    """Count the tokens of a document's text, comments included, without parsing it.

    Raises:
        LimitExceeded: there are too many.
    """
    tokens = sum(1 for _ in _TOKEN.finditer(text))
    require_at_most(limits.tokens, tokens, "tokens", "The document has {:,} tokens")
    return tokens


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Check the aliases, directives and fragment spreads of all operations of a parsed document.

    A document whose fragments form a cycle passes: validation refuses it.

    Raises:
        LimitExceeded: there are too many of one of them.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    totals: dict[str, _Totals] = {}
    try:
        for name in TopologicalSorter({name: set(_spreads(node)) for name, node in fragments.items()}).static_order():
            if name in fragments:
                totals[name] = _total(fragments[name], totals)
    except CycleError:
        return
    total = _Totals()
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            total = total.plus(_total(node, totals))
    require_at_most(limits.aliases, total.aliases, "aliases", "The document has {:,} aliases")
    require_at_most(limits.directives, total.directives, "directives", "The document has {:,} directives")
    require_at_most(
        limits.fragment_spreads, total.fragment_spreads, "fragmentSpreads", "The document spreads {:,} fragments"
    )


def _total(definition: ExecutableDefinitionNode, fragments: dict[str, _Totals]) -> _Totals:
    """Sum up one definition; `fragments` holds those it spreads, unless they do not exist."""
    directives = len(definition.directives or ())
    directives += sum(len(variable.directives or ()) for variable in definition.variable_definitions or ())
    total = _Totals(directives=directives)
    for node in _selections(definition):
        total = total.plus(
            _Totals(
                aliases=isinstance(node, FieldNode) and node.alias is not None,
                directives=len(node.directives or ()),
                fragment_spreads=isinstance(node, FragmentSpreadNode),
            )
        )
        if isinstance(node, FragmentSpreadNode):
            total = total.plus(fragments.get(node.name.value, _Totals()))
    return total


def _spreads(definition: ExecutableDefinitionNode) -> Iterator[str]:
    return (node.name.value for node in _selections(definition) if isinstance(node, FragmentSpreadNode))


def _selections(definition: ExecutableDefinitionNode) -> Iterator[SelectionNode]:
    """Walk all selections of a definition, at every level, without following spreads."""
    pending = list(definition.selection_set.selections)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
            pending.extend(node.selection_set.selections)
