"""Permission classes of every kind: of a parent, or of the operation where they are asked once."""

from typing import Any

from graphql import GraphQLError
from strawberry import Info
from strawberry.permission import BasePermission, PermissionExtension

from tests.differential.torture.fate import Calamity, Fate, after

Asking = Info[Fate, Any]


def refused(permission: BasePermission, source: Any, info: Asking, arguments: dict[str, Any], often: float) -> bool:
    """Note that a permission is asked of a parent, and decide."""
    name = type(permission).__name__
    info.context.ledger[f"{name} of {source._place.key} with {sorted(arguments.items())}"] += 1
    return info.context.strikes(name, source._place, sorted(arguments.items()), often=often)


class Plain(BasePermission):
    message = "Not for you."

    def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        return not refused(self, source, info, kwargs, 4)


class Slow(BasePermission):
    message = "Not for you, after some thought."
    error_extensions = {"code": "SLOWLY_REFUSED"}

    async def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        return await after(info.context.draw(source._place).randint(0, 2), not refused(self, source, info, kwargs, 4))  # type: ignore[no-any-return]


class Silent(BasePermission):
    def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        return not refused(self, source, info, kwargs, 4)


class Broken(BasePermission):
    """Sometimes fails, and sometimes answers with what is no answer."""

    message = "Broken, and no."

    def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> Any:
        if not refused(self, source, info, kwargs, 4):
            return True
        draw = info.context.draw("broken", source._place)
        if draw.random() < 0.3:
            raise Calamity(f"asked {source._place.key:08x}")
        return draw.choice((False, None, 1, "yes"))


class Forbidden(GraphQLError):
    """An error of the schema's own."""


class Own(BasePermission):
    message = "Forbidden."
    error_class = Forbidden
    error_extensions = {"code": "FORBIDDEN", "hint": ["ask", 1]}

    def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        return not refused(self, source, info, kwargs, 4)


class Angry(BasePermission):
    async def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        return not refused(self, source, info, kwargs, 4)

    def on_unauthorized(self) -> None:
        raise PermissionError("Go away.")


class Member(BasePermission):
    """Depends on the operation alone."""

    message = "Members only."
    per_request = True

    def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        return not info.context.strikes("member", often=4)


class SlowMember(BasePermission):
    """Depends on the operation alone, and takes its time."""

    message = "Members only, after some thought."
    per_request = True

    async def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        if info.context.strikes("failing member", often=2):
            raise Calamity("no list of members")
        return await after(1, not info.context.strikes("slow member", often=4))  # type: ignore[no-any-return]


def silently(*permissions: BasePermission) -> PermissionExtension:
    """Make what gives nothing instead of an error."""
    return PermissionExtension(list(permissions), fail_silently=True)
