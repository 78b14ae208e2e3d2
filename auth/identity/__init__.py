"""How people and programs come to an access token: passwords, sessions, links by e-mail, clients, foreign issuers.

tables.py       what is kept of all this; no secret, only digests of them
secrets.py      secrets that are handed out, and whose they are
passwords.py    hashes of passwords; password_policy.py says which are refused
links.py        links by e-mail: invitations, and new passwords
throttling.py   how often sign-ins may fail
sessions.py     sign-ins, and what they give to clients: families of refresh tokens
foreign.py      whom foreign issuers vouch for
"""
