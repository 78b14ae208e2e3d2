"""Operations that are asked for twice with one key are one.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operation", sa.Column("idempotency_key", sa.Text(collation="C"), nullable=True))
    op.add_column("operation", sa.Column("input_digest", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(
        "uq_operation_idempotency_key",
        "operation",
        ["organization_id", "submitted_by_id", "action", "idempotency_key"],
    )
    op.create_check_constraint(
        op.f("ck_operation_idempotency_digest"), "operation", "idempotency_key IS NULL OR input_digest IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_operation_idempotency_digest"), "operation", type_="check")
    op.drop_constraint("uq_operation_idempotency_key", "operation")
    op.drop_column("operation", "input_digest")
    op.drop_column("operation", "idempotency_key")
