"""Resources by name whatever their Cloud, and what of their tags goes together: for those who see many Clouds.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_resource_name", "resource", ["name", "id"], unique=False)
    # A value belongs to one key or few; taken for independent, many tags look like few.
    op.execute("CREATE STATISTICS st_resource_tag_key_value (ndistinct, mcv) ON key, value FROM resource_tag")


def downgrade() -> None:
    op.execute("DROP STATISTICS st_resource_tag_key_value")
    op.drop_index("ix_resource_name", table_name="resource")
