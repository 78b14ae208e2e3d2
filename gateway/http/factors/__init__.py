"""Second factors over plain HTTP, under `/auth/`: stepping up, and setting factors up.

    POST /auth/step-up                   begin: for a fresh session, or for the challenge of an operation
    POST /auth/step-up/complete          answer it; gives an access token with a fresh `mfa_time`
    GET  /auth/factors                   which factors the caller has
    POST /auth/factors/{kind}            begin setting up a factor of a kind, such as `totp`
    POST /auth/factors/{kind}/confirm    confirm it
    POST /auth/factors/remove            remove a factor
    POST /auth/factors/recovery-codes    draw new recovery codes
    POST /auth/factors/recover           use one, to set a factor up

None of this is GraphQL, where aliases would make a thousand guesses of one request. Every request carries the caller's
access token, or, from a page of ours, its browser's cookie and the token of its forms. Errors are
`{"error": {"code", "message", …}}`.

calling.py     who is calling, in a transaction of their own; answers and refusals
reading.py     members of a body
step_up.py     beginning and completing a challenge
enrolling.py   setting up factors: the port, and its endpoints
totp.py        authenticator apps
passkey.py     passkeys
recovery.py    recovery codes, and removing factors
push.py        people's own devices
device_answers.py  what such a device asks and answers
"""

from gateway.http.factors.calling import Calling, RecordFor
from gateway.http.factors.enrolling import Enroller, Enrolling
from gateway.http.factors.passkey import PasskeyEnroller
from gateway.http.factors.push import PushEnroller
from gateway.http.factors.recovery import Recovering
from gateway.http.factors.step_up import StepUp
from gateway.http.factors.totp import TotpEnroller

__all__ = [
    "Calling",
    "Enroller",
    "Enrolling",
    "PasskeyEnroller",
    "PushEnroller",
    "RecordFor",
    "Recovering",
    "StepUp",
    "TotpEnroller",
]
