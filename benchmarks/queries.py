"""The four queries that every server is asked, and how they are counted."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from benchmarks.data import content

TAG_FILTER_SIZE: Final = 100
MOST_PAGES: Final = 20
TAG_CHOICES: Final = len(content.TAG_KEYS) * content.VALUES_PER_KEY


@dataclass(frozen=True)
class Facts:
    """What a query is called, what it asks, and whether sixteen at once are bearable in every round."""

    name: str
    title: str
    warm_up: int
    """After how many answers a server that compiles what it runs often has done so."""
    is_heavy: bool = False


class Query(Enum):
    """The queries. Each is asked with changing variables; which ones is told by a number from 0, its variant."""

    POINT = Facts("point", "one resource, 3 levels deep", 8000)
    DEEP = Facts("deep", "600 resources nested + tags", 400)
    TAG = Facts("tag", "100 by tag", 1500)
    PAGE = Facts("page", "{page_size:,} flat + tags", 30, is_heavy=True)

    @classmethod
    def named(cls, name: str) -> "Query":
        """The query of that name."""
        return next(query for query in cls if query.value.name == name)

    def __str__(self) -> str:
        return self.value.name


@dataclass(frozen=True)
class Scale:
    """How much there is, and how large the large pages are."""

    resources: int
    page_size: int

    @property
    def pages(self) -> int:
        """How many pages are asked for: all of the list's, up to so many."""
        return min(MOST_PAGES, max(1, self.resources // self.page_size))

    def title(self, query: Query) -> str:
        """What a query asks, in a few words."""
        return query.value.title.format(page_size=self.page_size)

    def variants(self, query: Query) -> int:
        """How many different variables a query can be asked with."""
        match query:
            case Query.POINT:
                return self.resources
            case Query.DEEP:
                return content.ORGANIZATIONS
            case Query.TAG:
                return TAG_CHOICES
            case Query.PAGE:
                return self.pages

    def rows(self, query: Query) -> float:
        """How many resources an answer holds, on average."""
        match query:
            case Query.POINT:
                return 1
            case Query.DEEP:
                services = content.CLOUDS_PER_ORGANIZATION * content.SERVICES_PER_CLOUD
                return services * min(10.0, self.resources / content.SERVICES)
            case Query.TAG:
                return TAG_FILTER_SIZE
            case Query.PAGE:
                return min(self.page_size, self.resources)


def tag(variant: int) -> tuple[str, str]:
    """The key and the value of a variant of the tag filter."""
    key = content.TAG_KEYS[variant // content.VALUES_PER_KEY]
    return key, content.tag_value(key, variant % content.VALUES_PER_KEY)
