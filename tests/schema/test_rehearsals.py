"""Dry runs are counted by account, within a minute."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from schema.rehearsals import MOST, WITHIN, Rehearsals

START = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.integers(min_value=0, max_value=20), max_size=300))
def test_within_any_minute_there_are_no_more_than_so_many(pauses: list[int]) -> None:
    rehearsals, account, now, run = Rehearsals(), uuid4(), START, list[datetime]()
    for pause in pauses:
        now += timedelta(seconds=pause / 10)
        wait = rehearsals.wait(account, now)
        recent = [time for time in run if now - time < WITHIN]
        assert (wait == 0) == (len(recent) < MOST)
        if wait:
            # Then there is room, and not a second earlier.
            assert timedelta(0) <= now + timedelta(seconds=wait) - (recent[0] + WITHIN) < timedelta(seconds=1)
        else:
            run.append(now)


def test_accounts_do_not_wait_for_each_other() -> None:
    rehearsals, one, other = Rehearsals(), uuid4(), uuid4()
    assert [rehearsals.wait(one, START) for _ in range(MOST)] == [0] * MOST
    assert rehearsals.wait(one, START) == 60
    assert rehearsals.wait(other, START) == 0
