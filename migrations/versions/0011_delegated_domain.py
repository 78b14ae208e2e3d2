"""Whose a DNS name is: that of the organization to which the longest domain around it is delegated.

A domain inside another one can be delegated to another organization, whose domains nobody else sees. The database looks
at all of them, and gives nothing but the caller's own.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DELEGATED = """
CREATE FUNCTION delegated_domain(tenant uuid, names text[]) RETURNS uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (
  SELECT longest.id FROM (
    SELECT d.organization_id, d.id, d.fqdn, d.dns_enabled FROM public.domain d
    WHERE d.fqdn = ANY (names) ORDER BY length(d.fqdn) DESC LIMIT 1
  ) longest
  WHERE longest.organization_id = tenant AND longest.dns_enabled AND longest.fqdn <> names[1]
)
"""
"""The domain of an organization that a name is inside; `names` are the name and what is left of it, label by label."""


def upgrade() -> None:
    op.execute(DELEGATED)


def downgrade() -> None:
    op.execute("DROP FUNCTION delegated_domain(uuid, text[])")
