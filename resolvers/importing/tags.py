"""Tags of an input: `key:value;key:value`, or JSON."""

from collections.abc import Iterable
from typing import Final

from resolvers.importing.errors import WrongValue
from resolvers.importing.values import shown, storable, strict_json

MOST_TAGS: Final = 50
MOST_KEY_CHARACTERS: Final = 128
MOST_VALUE_CHARACTERS: Final = 256


class Tags:
    """Tags, one value per key.

    A cell holds `key:value;key:value`, or a JSON object if it starts with `{`: for values with a semicolon. JSON
    holds an object, a list of `{"key": …, "value": …}` or of `"key:value"`, or the text of a cell.
    """

    _expected = "key:value;key:value"

    def from_text(self, text: str) -> dict[str, str]:
        """Read pairs separated by semicolons, or a JSON object."""
        if not text.startswith("{"):
            return _collected(self._pair(pair) for pair in text.split(";") if pair)
        return self.from_json(strict_json(text))

    def from_json(self, value: object) -> dict[str, str]:
        """Read an object, a list or a string."""
        match value:
            case str():
                return self.from_text(value)
            case dict():
                return _collected(value.items())
            case list():
                return _collected(self._member(member) for member in value)
        raise WrongValue(f"{shown(value)} holds no tags", 'an object, such as {"team": "storefront"}')

    def _pair(self, text: str) -> tuple[str, str]:
        key, colon, value = text.partition(":")
        if not colon:
            raise WrongValue(f"{shown(text)} has no colon", self._expected)
        if key != key.strip():
            raise WrongValue(f"the key {shown(key)} starts or ends with a space", self._expected)
        return key, value

    def _member(self, member: object) -> tuple[object, object]:
        match member:
            case str():
                return self._pair(member)
            case {"key": key, "value": value, **others} if not others:
                return key, value
        raise WrongValue(f"{shown(member)} is no tag", 'a list of {"key": "team", "value": "storefront"}')


def _collected(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, value in pairs:
        if not isinstance(key, str) or not isinstance(value, str):
            raise WrongValue(f"the tag {shown(key)} has the value {shown(value)}", "text for both")
        if not 0 < len(key) <= MOST_KEY_CHARACTERS:
            raise WrongValue(f"the key {shown(key)} has {len(key):,} characters", f"1 to {MOST_KEY_CHARACTERS}")
        if key.startswith("!") or ":" in key:
            raise WrongValue(f"the key {shown(key)} starts with ! or has a colon", "a key without them")
        if len(value) > MOST_VALUE_CHARACTERS:
            problem = f"the value of the tag {shown(key)} has {len(value):,} characters"
            raise WrongValue(problem, f"{MOST_VALUE_CHARACTERS} at the most")
        if key in tags:
            raise WrongValue(f"the tag {shown(key)} is there twice", "one value per key")
        tags[storable(key)] = storable(value)
    if len(tags) > MOST_TAGS:
        raise WrongValue(f"has {len(tags)} tags", f"{MOST_TAGS} at the most")
    return tags
