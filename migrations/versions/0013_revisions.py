"""Indicators and maintenance windows count their changes, as resources do.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("indicator", "maintenance")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False))
        op.create_check_constraint(op.f(f"ck_{table}_revision_positive"), table, "revision > 0")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_constraint(op.f(f"ck_{table}_revision_positive"), table, type_="check")
        op.drop_column(table, "revision")
