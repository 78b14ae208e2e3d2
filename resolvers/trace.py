"""What one operation cost in the database, for those who ask."""

from dataclasses import dataclass


@dataclass(slots=True)
class Trace:
    """SQL statements run and the time spent waiting for them, in seconds."""

    sql_statements: int = 0
    db_seconds: float = 0.0
