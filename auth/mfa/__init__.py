"""Second factors: how a person shows that it is them, freshly, and what they have approved by it.

tables.py      challenges, approvals, deliveries, and the failures that are counted
sealing.py     the secrets of factors, sealed with a key outside the database
factor.py      the port that every factor is behind
totp.py        one-time passwords of an authenticator app
webauthn.py    passkeys
push.py        notifications to a person's own device, which signs
devices.py     such a device: its browser's subscription and its key
failures.py    how often an account may be wrong
challenges.py  opening a challenge, answering it
approvals.py   what an operation's challenge was answered for: asked for, there, spent
enrolment.py   setting up a factor
recovery.py    recovery codes, which open the setting up of a factor
removal.py     removing a factor
usable.py      which factors serve
deliveries.py  challenges that are answered elsewhere: on a telephone, by a device
recording.py   what there is to record of all this, for an audit
errors.py      refusals
"""
