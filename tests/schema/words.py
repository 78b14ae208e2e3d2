"""What generated arguments are made of, for the graph over a world."""

from random import Random

from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, REGIONS
from tests.schema.graph import Graph
from tests.schema.tenants import ids_of, organizations, paths_of, words_of
from tests.schema.world import API, CANARY, PLATFORM, VAULT, WIDE


async def words_in(graph: Graph) -> dict[str, list[str]]:
    """Give the ids, cursors, paths and texts of every organization, by the names of arguments that take them."""
    world = graph.world
    codes = organizations(world)
    all_ids = [id_ for code in codes for id_ in Random(code).sample(ids_of(world, code), 60)]  # noqa: S311
    all_ids += [id_ for code in codes for id_ in ids_of(world, code)[:4]]
    cursors: list[str] = []
    for email in (WIDE, API, VAULT, PLATFORM):
        for field in ("organizations", "services", "resources", "instances", "operations", "tagKeys"):
            answer = await graph.ask(email, f"{{ list: {field}(first: 3) {{ edges {{ cursor }} }} }}")
            cursors += [edge["cursor"] for edge in answer.whole["list"]["edges"]]
    words = [word for code in codes for word in words_of(world, code)]
    return {
        "": [*words, "production", "qa", "dev"],
        **dict.fromkeys(("id", "ids", "resource"), all_ids),
        "organization": [id_ for id_ in all_ids if id_.startswith("org")],
        "cloud": [id_ for id_ in all_ids if id_.startswith("cld")],
        "service": [id_ for id_ in all_ids if id_.startswith("srv")],
        "after": cursors,
        "before": cursors,
        "path": [path for code in codes for path in paths_of(world, code)],
        "region": [*REGIONS],
        "dataCenter": [*DATA_CENTERS],
        "availabilityZone": [*AVAILABILITY_ZONES],
        "tagQuery": [f"{key}:{value}" for key in ("team", f"{CANARY}team") for value in words[:50]],
    }
