from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    build_ast_schema,
    is_specified_directive,
    is_specified_scalar_type,
    parse,
    print_ast,
    validate,
)

from auth.administration import RULES, Administration
from auth.decisions import DenialReason
from auth.identity.tables import CredentialKind
from auth.permissions import MFA_MAX_AGE, PRIVILEGES, Action, MfaBinding, Role
from auth.tables import AccountKind, FactorKind, Profile
from gateway.execution.engine import RULES as VALIDATION
from resolvers import tables
from resolvers.commands.outcome import UserErrorCode
from resolvers.events import EventKind
from resolvers.reads.counts import FIELDS
from resolvers.reads.sources import RESOURCES, SERVICES
from schema.build import build_schema, sdl
from schema.enums import AccountStatus, ProposalStatus, RequestStatus
from schema.events import ChangeKind
from schema.guarded import GUARDED
from schema.verdicts import Verdict

ROOT = Path(__file__).parents[2]
DECIDED = Path(__file__).with_name("decided.graphql")
EXAMPLES = sorted((ROOT / "gateway/web/examples").glob("*.graphql"))


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    """The schema as clients read it, from its text."""
    return build_ast_schema(parse((ROOT / "schema.graphql").read_text()))


def test_the_published_file_is_the_schema_that_is_served() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl(build_schema()), (
        "schema.graphql is not what the code serves; look at the difference after"
        " `./dev run itcare-gateway schema > schema.graphql` and commit it with the change"
    )


def test_everything_in_the_schema_has_a_description(published: GraphQLSchema) -> None:
    assert [name for name, description in described(published) if not (description or "").strip()] == []


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that can have a description, by its coordinate."""
    for directive in schema.directives:
        if directive.name == "oneOf" or not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description
    for type_ in schema.type_map.values():
        if type_.name.startswith("__") or is_specified_scalar_type(type_):
            continue
        yield type_.name, type_.description
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{type_.name}.{name}", value.description) for name, value in type_.values.items())
        if isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{type_.name}.{name}", field.description) for name, field in type_.fields.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in type_.fields.items():
                yield f"{type_.name}.{name}", field.description
                for argument, given in field.args.items():
                    yield f"{type_.name}.{name}({argument}:)", given.description


def test_descriptions_are_sentences(published: GraphQLSchema) -> None:
    assert [name for name, description in described(published) if not (description or "").endswith(".")] == []


ENUMS: dict[str, type[StrEnum]] = {
    "Action": Action,
    "AccountStatus": AccountStatus,
    "ChangeKind": ChangeKind,
    "CredentialKind": CredentialKind,
    "Administration": Administration,
    "DenialReason": DenialReason,
    "EventKind": EventKind,
    "FactorKind": FactorKind,
    "IndicatorKind": tables.IndicatorKind,
    "IngressController": tables.IngressController,
    "MemberState": tables.MemberState,
    "MemberStatus": tables.MemberStatus,
    "MfaBinding": MfaBinding,
    "NetworkScope": tables.NetworkScope,
    "NodeStatus": tables.NodeStatus,
    "OperationStatus": tables.OperationStatus,
    "OsType": tables.OsType,
    "Profile": Profile,
    "ProposalStatus": ProposalStatus,
    "RequestStatus": RequestStatus,
    "ResourceStatus": tables.ResourceStatus,
    "ResourceType": tables.ResourceType,
    "Role": Role,
    "SupportPhase": tables.SupportPhase,
    "UserErrorCode": UserErrorCode,
    "Verdict": Verdict,
    "ViewerKind": AccountKind,
    "ZoneAudience": tables.ZoneAudience,
}
"""The enums that the database holds values of, the privilege matrix, or what commands answer."""
LISTED: dict[str, set[str]] = {
    "OrderDirection": {"ASC", "DESC"},
    "ResourceField": set(FIELDS),
    "ResourceOrderField": set(RESOURCES.orders),
    "ServiceOrderField": set(SERVICES.orders),
}
"""The enums that name what reads can order and count by."""


def test_the_enums_of_the_schema_are_those_of_the_model(published: GraphQLSchema) -> None:
    found = {
        type_.name: set(type_.values)
        for type_ in published.type_map.values()
        if isinstance(type_, GraphQLEnumType) and not type_.name.startswith("__")
    }
    assert found == {name: {member.name for member in enum} for name, enum in ENUMS.items()} | LISTED
    stored = [member for enum in ENUMS.values() for member in enum if enum not in (Action, MfaBinding, Role)]
    assert [member for member in stored if member.value != member.name] == []


def test_the_actions_are_the_41_labels_of_the_matrix(published: GraphQLSchema) -> None:
    actions = published.type_map["Action"]
    assert isinstance(actions, GraphQLEnumType)
    assert set(actions.values) == {row.label.upper().replace("-", "_") for row in PRIVILEGES.values()}
    assert len(actions.values) == 41


def test_names_types_and_arguments_are_those_that_clients_count_on() -> None:
    served = dict(coordinates(parse((ROOT / "schema.graphql").read_text())))
    decided = dict(coordinates(parse(DECIDED.read_text())))
    assert {coordinate: served.get(coordinate) for coordinate in decided} == decided


def coordinates(document: DocumentNode) -> Iterator[tuple[str, str]]:
    """Every type, field, argument and enum value of a document, and what is said of it."""
    for definition in document.definitions:
        name = getattr(definition, "name", None)
        if not isinstance(definition, TypeDefinitionNode) or name is None:
            continue
        interfaces = sorted(interface.name.value for interface in getattr(definition, "interfaces", None) or ())
        directives = sorted(directive.name.value for directive in definition.directives or ())
        yield name.value, " ".join([definition.kind, *interfaces, *directives])
        for value in getattr(definition, "values", None) or ():
            yield f"{name.value}.{value.name.value}", "a value"
        for field in getattr(definition, "fields", None) or ():
            yield f"{name.value}.{field.name.value}", typed(field)
            for argument in getattr(field, "arguments", None) or ():
                yield f"{name.value}.{field.name.value}({argument.name.value}:)", typed(argument)


def typed(node: FieldDefinitionNode | InputValueDefinitionNode) -> str:
    default = getattr(node, "default_value", None)
    return print_ast(node.type) + (f" = {print_ast(default)}" if default else "")


def test_every_list_that_grows_is_a_connection_with_pages_both_ways(published: GraphQLSchema) -> None:
    page = {"first": "Int", "after": "String", "last": "Int", "before": "String"}
    connections = {
        f"{type_.name}.{name}": {
            argument: str(given.type) for argument, given in field.args.items() if argument in page
        }
        for type_ in published.type_map.values()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in type_.fields.items()
        if str(field.type).endswith("Connection!")
    }
    assert len(connections) > 40
    assert {name: arguments for name, arguments in connections.items() if arguments != page} == {}


def names_of_implementations(schema: GraphQLSchema, name: str) -> list[str]:
    interface = schema.type_map[name]
    assert isinstance(interface, GraphQLInterfaceType)
    found = schema.get_implementations(interface)
    return [type_.name for type_ in (*found.objects, *found.interfaces)]


def test_every_list_of_resources_can_be_filtered_ordered_and_counted(published: GraphQLSchema) -> None:
    lists = {f"{name}Connection!" for name in ("Resource", *names_of_implementations(published, "Resource"))}
    arguments = {
        f"{type_.name}.{name}": {str(given.type) for given in field.args.values()}
        for type_ in published.type_map.values()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in type_.fields.items()
        if str(field.type) in lists
    }
    assert len(arguments) >= 11
    lacking = [name for name, found in arguments.items() if not {"ResourceFilter", "[ResourceOrder!]"} <= found]
    assert lacking == []
    facets = [name for name in lists if "facets" not in getattr(published.type_map.get(name[:-1]), "fields", "facets")]
    assert facets == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_examples_are_valid(example: Path, published: GraphQLSchema) -> None:
    assert validate(published, parse(example.read_text()), VALIDATION) == []


def test_every_mutation_says_which_right_and_which_second_factor_it_takes() -> None:
    document = parse((ROOT / "schema.graphql").read_text())
    (mutation,) = (
        node for node in document.definitions if getattr(getattr(node, "name", None), "value", "") == "Mutation"
    )
    assert isinstance(mutation, ObjectTypeDefinitionNode)
    privileges = {row.mutation: row for row in PRIVILEGES.values()}
    rules = {rule.mutation: rule for rule in RULES.values()}
    assert {field.name.value for field in mutation.fields or ()} == {*privileges, *rules}
    assert mutation.fields
    for field in mutation.fields:
        name = field.name.value
        if name in rules:
            right, taken = f"@requiresAdministration(rule: {rules[name].administration.value})", rules[name].mfa_binding
        else:
            profiles = ", ".join(profile.value for profile in privileges[name].profiles)
            right = f'@requiresPrivilege(label: "{privileges[name].label}", profiles: [{profiles}])'
            taken = privileges[name].mfa_binding
        assert [print_ast(directive) for directive in field.directives or ()] == [
            right,
            f"@requiresMfa(maxAge: {MFA_MAX_AGE}, binding: {taken.value})",
        ]


def test_whoever_changes_or_deletes_can_say_which_revision_of_it_they_have_read(published: GraphQLSchema) -> None:
    mutations = {row.mutation for row in PRIVILEGES.values() if not row.label.startswith(("create-", "subscribe-"))}
    assert len(mutations) == 28
    inputs = {name: published.type_map[f"{name[0].upper()}{name[1:]}Input"] for name in mutations}
    without = [name for name, type_ in inputs.items() if "expectedRevision" not in getattr(type_, "fields", ())]
    assert without == []


@pytest.mark.parametrize("mutation", ["startInstance", "setTags"])
def test_a_schema_with_a_mutation_that_has_no_guard_is_not_built(
    monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    monkeypatch.delitem(GUARDED, mutation)
    with pytest.raises(TypeError, match=f"{mutation} has no guard"):
        build_schema()
