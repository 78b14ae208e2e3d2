"""How people and programs come to an access token: passwords, sessions, links by e-mail, clients, foreign issuers.

tables.py       what is kept of all this; no secret, only digests of them
"""
