"""The audit log, which only grows.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log only grows: % of % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
FORWARDS = """
CREATE FUNCTION audit_chain_forwards() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.seq = 0 THEN
            RETURN NEW;
        END IF;
    ELSIF NEW.chain = OLD.chain AND NEW.seq > OLD.seq THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A chain of the audit log begins at 0 and only goes forwards.'
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
FIXED = ("audit_record", "audit_checkpoint")


def upgrade() -> None:
    op.create_table(
        "audit_record",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("address", sa.Text(collation="C"), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("mfa_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amr", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("label", sa.Text(collation="C"), nullable=False),
        sa.Column("target_type", sa.Text(collation="C"), nullable=True),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("cloud_id", sa.Uuid(), nullable=True),
        sa.Column("input_digest", sa.LargeBinary(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=True),
        sa.Column("reasons", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("correlation_id", sa.Text(collation="C"), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("decision IN ('ALLOWED', 'DENIED', 'DRY_RUN')", name=op.f("ck_audit_record_decision_known")),
        sa.CheckConstraint("seq > 0", name=op.f("ck_audit_record_seq_positive")),
        sa.CheckConstraint("count > 0", name=op.f("ck_audit_record_count_positive")),
        sa.CheckConstraint("octet_length(input_digest) = 32", name=op.f("ck_audit_record_input_digest_length")),
        sa.CheckConstraint("octet_length(previous) = 32", name=op.f("ck_audit_record_previous_length")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_audit_record_hash_length")),
        sa.PrimaryKeyConstraint("chain", "seq", name=op.f("pk_audit_record")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_audit_chain_seq_positive")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_audit_chain_hash_length")),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_audit_checkpoint_hash_length")),
        sa.ForeignKeyConstraint(
            ["chain", "seq"], ["audit_record.chain", "audit_record.seq"], name=op.f("fk_audit_checkpoint_chain_seq")
        ),
        sa.PrimaryKeyConstraint("chain", "seq", name=op.f("pk_audit_checkpoint")),
    )
    op.execute(REFUSE)
    op.execute(FORWARDS)
    for table in FIXED:
        op.execute(
            f"CREATE TRIGGER {table}_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )
    op.execute(
        "CREATE TRIGGER audit_chain_grows BEFORE DELETE OR TRUNCATE ON audit_chain"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_chain_forwards BEFORE INSERT OR UPDATE ON audit_chain"
        " FOR EACH ROW EXECUTE FUNCTION audit_chain_forwards()"
    )


def downgrade() -> None:
    op.drop_table("audit_checkpoint")
    op.drop_table("audit_chain")
    op.drop_table("audit_record")
    op.execute("DROP FUNCTION audit_chain_forwards()")
    op.execute("DROP FUNCTION audit_refuse()")
