"""Challenges by second factors, approvals of operations, and failures that are counted.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mfa_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("cloud_id", sa.Uuid(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries_left", sa.SmallInteger(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("char_length(action) BETWEEN 1 AND 100", name=op.f("ck_mfa_challenge_action_length")),
        sa.CheckConstraint("char_length(words) BETWEEN 1 AND 2000", name=op.f("ck_mfa_challenge_words_length")),
        sa.CheckConstraint("kind IN ('SESSION', 'OPERATION')", name=op.f("ck_mfa_challenge_kind_known")),
        sa.CheckConstraint(
            "num_nulls(digest, action, cloud_id) = CASE kind WHEN 'SESSION' THEN 3 ELSE 0 END",
            name=op.f("ck_mfa_challenge_of"),
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_mfa_challenge_digest_length")),
        sa.CheckConstraint("tries_left >= 0", name=op.f("ck_mfa_challenge_tries_left_range")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mfa_challenge_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mfa_challenge")),
        sa.UniqueConstraint("account_id", "kind", name=op.f("uq_mfa_challenge_account_id_kind")),
    )
    op.create_table(
        "approval",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_approval_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_approval_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_approval")),
    )
    op.create_table(
        "mfa_failures",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("failed_at", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mfa_failures_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_mfa_failures")),
    )


def downgrade() -> None:
    op.drop_table("mfa_failures")
    op.drop_table("approval")
    op.drop_table("mfa_challenge")
