"""The secrets of users of object stores, as hashes: the one in use, the one before while it is good, and the next one.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

HASHES = ("secret_hash", "next_secret_hash", "previous_secret_hash")


def upgrade() -> None:
    for column in HASHES:
        op.add_column("object_store_user", sa.Column(column, sa.LargeBinary(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_object_store_user_{column}_length"), "object_store_user", f"octet_length({column}) = 32"
        )
    op.add_column("object_store_user", sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_object_store_user_previous_secret_until"),
        "object_store_user",
        "previous_secret_hash IS NULL OR previous_secret_until IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_object_store_user_previous_secret_until"), "object_store_user", type_="check")
    op.drop_column("object_store_user", "previous_secret_until")
    for column in reversed(HASHES):
        op.drop_constraint(op.f(f"ck_object_store_user_{column}_length"), "object_store_user", type_="check")
        op.drop_column("object_store_user", column)
