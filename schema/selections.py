"""What a client selects below a field, by name, so that no more is read than is shown."""

from collections.abc import Iterator, Mapping
from typing import Any

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

Fragments = Mapping[str, FragmentDefinitionNode]


def selected(info: strawberry.Info[Any, Any], *paths: tuple[str, ...]) -> frozenset[str]:
    """Name the fields that are selected at the ends of some paths below a field.

    Whatever may be selected is: @skip, @include and the types of fragments are not looked at.
    """
    raw = info._raw_info
    names: set[str] = set()
    for path in paths:
        level = list(raw.field_nodes)
        for step in path:
            level = [field for field in _below(level, raw.fragments) if field.name.value == step]
        names.update(field.name.value for field in _below(level, raw.fragments))
    return frozenset(names)


def _below(fields: list[FieldNode], fragments: Fragments) -> Iterator[FieldNode]:
    pending: list[SelectionSetNode | None] = [field.selection_set for field in fields]
    seen: set[str] = set()
    while pending:
        selections = pending.pop()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                yield node
            elif not isinstance(node, FragmentSpreadNode):
                pending.append(node.selection_set)  # type: ignore[attr-defined]  # an inline fragment
            elif node.name.value not in seen:
                seen.add(node.name.value)
                pending.append(fragments[node.name.value].selection_set)
