"""Resources by name whatever their Cloud: what those who see many Clouds page through.

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


def downgrade() -> None:
    op.drop_index("ix_resource_name", table_name="resource")
