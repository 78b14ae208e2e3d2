"""GraphQL over HTTP, and what every answer of the process carries.

endpoint.py      the way of a request: /graphql
negotiation.py   media types and content codings: what is sent, what is wanted
requests.py      from bytes and query strings to a GraphQL request
subscribing.py   what a subscription does, whatever carries it
sse.py           subscriptions as text/event-stream: /graphql
websocket.py     subscriptions over WebSocket: /graphql
authentication.py  the token of a request
client_address.py  where a request comes from, behind trusted proxies
factors/         second factors: /auth/
callback.py      reports of an operator's orchestrator: /operations/callback
errors.py        refusals of HTTP; GraphQL errors as clients see them, faults masked
health.py        /healthz, /readyz
openid/          signing in to clients: /auth/authorize, /auth/token and what belongs to them
compression.py   smaller answers for those who can read them
well_known.py    /.well-known/jwks.json
headers.py       CORS, secure headers
"""

from gateway.http.callback import Callback
from gateway.http.endpoint import GraphQLEndpoint, OpenContext
from gateway.http.errors import ErrorFormatter
from gateway.http.headers import http_middleware
from gateway.http.health import health_routes
from gateway.http.sse import EventStreams
from gateway.http.subscribing import Subscriptions
from gateway.http.websocket import GraphQLSocket
from gateway.http.well_known import key_routes

__all__ = [
    "Callback",
    "ErrorFormatter",
    "EventStreams",
    "GraphQLEndpoint",
    "GraphQLSocket",
    "OpenContext",
    "Subscriptions",
    "health_routes",
    "http_middleware",
    "key_routes",
]
