"""Moments as they are written, one or many."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from schema.scalars import DATE_TIME

moments = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(timezone(timedelta(hours=5, minutes=30))),
    ),
    st.datetimes(),  # as the driver gives the last moment that Python knows
)


@given(column=st.lists(moments, min_size=1, max_size=20))
def test_a_column_of_moments_is_written_as_each_of_them_is(column: list[datetime]) -> None:
    serialize = DATE_TIME.serialize
    assert serialize is not None
    assert serialize.many(column) == [serialize(moment) for moment in column]  # type: ignore[attr-defined]


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_written_in_utc_with_microseconds(moment: datetime) -> None:
    serialize = DATE_TIME.serialize
    assert serialize is not None
    text = serialize(moment)
    assert text[10] == "T"
    assert len(text) == len("2026-01-31T08:00:00.000000Z")
    assert datetime.fromisoformat(text) == moment
