"""Counts the SQL statements of the gateway's answers, as it tells them itself."""

import json

from benchmarks.load import ask
from benchmarks.queries import Query
from benchmarks.servers.process import Server


def count_statements(server: Server, query: Query) -> int:
    """How many statements a query takes, with the one that reads who is asking."""
    # The first one may also load what is kept afterwards.
    server.ask(query, 0)
    body = ask(server.port, server.wrap(server.dialect.body(query, 1), {"X-Trace": "1"}))
    return int(json.loads(body)["extensions"]["trace"]["sqlStatements"])
