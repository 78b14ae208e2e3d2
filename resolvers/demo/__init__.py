"""Believable data to try the gateway on: the same number of resources gives the same rows, down to ids and times."""

from resolvers.demo.accounts import ACCOUNTS, DemoAccount
from resolvers.demo.factors import FactorUnreadable, add_factors, demo_secrets, next_code
from resolvers.demo.identifiers import AS_OF, account_id
from resolvers.demo.load import MOST_RESOURCES, DatabaseNotEmpty, DemoSummary, is_empty, load_demo
from resolvers.demo.passwords import DEMO_PASSWORD, add_passwords

__all__ = [
    "ACCOUNTS",
    "AS_OF",
    "DEMO_PASSWORD",
    "MOST_RESOURCES",
    "DatabaseNotEmpty",
    "DemoAccount",
    "DemoSummary",
    "FactorUnreadable",
    "account_id",
    "add_factors",
    "add_passwords",
    "demo_secrets",
    "is_empty",
    "load_demo",
    "next_code",
]
