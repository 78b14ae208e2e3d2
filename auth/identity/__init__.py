"""How people and programs come to an access token: passwords, sessions, links by e-mail, clients, foreign issuers.

tables.py       what is kept of all this; no secret, only digests of them
secrets.py      secrets that are handed out, and whose they are
passwords.py    hashes of passwords; password_policy.py says which are refused
links.py        links by e-mail: invitations, and new passwords
throttling.py   how often sign-ins may fail
sessions.py     sign-ins, and what they give to clients: families of refresh tokens
codes.py        authorization codes, each taken once for a session of a client
clients.py      how API accounts show that they are it: secrets, and keys that sign assertions
public_clients.py  programs in which people sign in, and where these are sent back to
foreign.py      whom foreign issuers vouch for
"""
