"""Many instances to do something with, and what must hold of the operations on them in the end."""

from collections.abc import Sequence
from uuid import UUID

from tests.gateway.privileged import Privileged

_COPIES = """
WITH copies AS (
  INSERT INTO resource
  SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'name', 'crowd-' || n))).*
  FROM resource r, generate_series(1, :count) n WHERE r.id = :id
  RETURNING id
), details AS (
  INSERT INTO instance
  SELECT (jsonb_populate_record(i, jsonb_build_object('resource_id', c.id))).* FROM instance i, copies c
  WHERE i.resource_id = :id
)
SELECT id FROM copies ORDER BY id
"""


async def crowd(people: Privileged, count: int) -> Sequence[UUID]:
    """Make so many inactive instances beside the one there is; gives their ids."""
    return [key for (key,) in await people.sql(_COPIES, count=count, id=people.shop.spare)]


async def require_whole(people: Privileged, started: Sequence[UUID]) -> None:
    """Check that these operations, each a start, have ended, and that nothing else has been done to any instance."""
    ended = await people.sql("SELECT status, progress FROM operation WHERE id = ANY(:ids)", ids=list(started))
    assert ended == [("SUCCESS", 100)] * len(started)
    half_done = await people.sql(
        "SELECT r.name, r.status, r.revision, o.status FROM resource r LEFT JOIN operation o ON o.resource_id = r.id"
        " WHERE r.name LIKE 'crowd-%' AND (r.status, r.revision) <>"
        " (CASE WHEN o.id IS NULL THEN 'INACTIVE' ELSE 'ACTIVE' END,"
        " CASE WHEN o.id IS NULL THEN 1 ELSE 2 END)"
    )
    assert half_done == []
    twice = "SELECT resource_id FROM operation WHERE action = 'START_INSTANCE' GROUP BY 1 HAVING count(*) > 1"
    assert await people.sql(twice) == []
    steps = "SELECT DISTINCT s.status FROM operation_step s JOIN operation o ON o.id = s.operation_id"
    assert await people.sql(f"{steps} WHERE o.action = 'START_INSTANCE'") == [("SUCCESS",)]
    told = (
        "SELECT subject_id FROM event WHERE subject_type = 'Operation' AND payload ->> 'status' = 'SUCCESS'"
        " GROUP BY 1 HAVING count(*) > 1"
    )
    assert await people.sql(told) == []
    gaps = "SELECT organization_id FROM event GROUP BY 1 HAVING max(seq) <> count(*)"
    assert await people.sql(gaps) == []
    assert await people.sql("SELECT 1 FROM pgqueuer") == []
