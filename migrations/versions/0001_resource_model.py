"""The resource model: tenancy, topology, catalogues, resources and their parts.

Revision ID: 0001
Revises: none
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INDEX_ROWS = """
CREATE FUNCTION resource_index_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM changed r CROSS JOIN unnest(r.availability_zones) zone (code)
    LEFT JOIN availability_zone az ON az.code = zone.code AND az.data_center_code = ANY (r.data_centers)
    WHERE az.code IS NULL
  ) THEN
    RAISE foreign_key_violation USING
      MESSAGE = 'an availability zone of the resource is in none of its data centers',
      CONSTRAINT = 'fk_resource_availability_zones', TABLE = 'resource';
  END IF;
  IF EXISTS (
    SELECT FROM changed r, unnest(r.data_centers) place (code)
    LEFT JOIN data_center dc ON dc.code = place.code WHERE dc.code IS NULL
  ) THEN
    RAISE foreign_key_violation USING
      MESSAGE = 'a data center of the resource is unknown',
      CONSTRAINT = 'fk_resource_data_centers', TABLE = 'resource';
  END IF;

  IF TG_OP = 'UPDATE' THEN
    -- EXCEPT, not a join: the plan is kept from the first call, and one made for a single row would loop over all pairs.
    DELETE FROM resource_tag t USING (
      SELECT organization_id, id, tags FROM changed EXCEPT SELECT organization_id, id, tags FROM before
    ) r WHERE (t.organization_id, t.resource_id) = (r.organization_id, r.id);
    DELETE FROM resource_placement p USING (
      SELECT organization_id, id, data_centers, availability_zones FROM changed
      EXCEPT SELECT organization_id, id, data_centers, availability_zones FROM before
    ) r WHERE (p.organization_id, p.resource_id) = (r.organization_id, r.id);
  END IF;

  INSERT INTO resource_tag (organization_id, resource_id, key, value, cloud_id)
  SELECT r.organization_id, r.id, t.key, t.value, r.cloud_id
  FROM changed r, jsonb_each_text(r.tags) t (key, value)
  ON CONFLICT DO NOTHING;

  INSERT INTO resource_placement
    (organization_id, resource_id, position, cloud_id, region_code, data_center_code, availability_zone_code)
  SELECT r.organization_id, r.id,
    row_number() OVER (PARTITION BY r.organization_id, r.id ORDER BY place.position, zone.position) - 1,
    r.cloud_id, dc.region_code, dc.code, zone.code
  FROM changed r
  CROSS JOIN LATERAL unnest(r.data_centers) WITH ORDINALITY place (code, position)
  JOIN data_center dc ON dc.code = place.code
  LEFT JOIN LATERAL (
    SELECT az.code, z.position FROM unnest(r.availability_zones) WITH ORDINALITY z (code, position)
    JOIN availability_zone az ON az.code = z.code AND az.data_center_code = dc.code
  ) zone ON true
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
"""
"""Keeps the rows that filters use in step with a resource's tags and places, a whole statement at a time."""


def upgrade() -> None:
    op.create_table(
        "environment",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name=op.f("ck_environment_code_form")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_environment")),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_organization_code_form")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_organization_name_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("code", name=op.f("uq_organization_code")),
    )
    op.create_index("ix_organization_name", "organization", ["name", "id"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("code", name=op.f("uq_product_code")),
    )
    op.create_table(
        "region",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
        sa.UniqueConstraint("code", name=op.f("uq_region_code")),
    )
    op.create_table(
        "sizing",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("cpu", sa.Integer(), nullable=False),
        sa.Column("ram_gb", sa.Integer(), nullable=False),
        sa.CheckConstraint("cpu > 0 AND ram_gb > 0", name=op.f("ck_sizing_positive")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_sizing")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("is_platform", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind <> 'API_ACCOUNT' OR organization_id IS NOT NULL", name=op.f("ck_account_api_account_organization")
        ),
        sa.CheckConstraint("kind IN ('PERSON', 'API_ACCOUNT')", name=op.f("ck_account_kind_known")),
        sa.CheckConstraint(
            "NOT (is_platform AND organization_id IS NOT NULL)", name=op.f("ck_account_platform_organization")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_email_lower")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_account_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    op.create_index("ix_account_organization_id", "account", ["organization_id"], unique=False)
    op.create_table(
        "area",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("char_length(code) BETWEEN 1 AND 100", name=op.f("ck_area_code_length")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_area_organization_id")),
        sa.ForeignKeyConstraint(["region_code"], ["region.code"], name=op.f("fk_area_region_code")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_area")),
        sa.UniqueConstraint("organization_id", "code", name=op.f("uq_area_organization_id_code")),
    )
    op.create_table(
        "cloud",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_cloud_code_form")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_cloud_name_length")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_cloud_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_cloud")),
        sa.UniqueConstraint("code", name=op.f("uq_cloud_code")),
    )
    op.create_index("ix_cloud_id", "cloud", ["id"], unique=False)
    op.create_index("ix_cloud_organization_id_name", "cloud", ["organization_id", "name", "id"], unique=False)
    op.create_index(
        "uq_cloud_default", "cloud", ["organization_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.create_table(
        "data_center",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(["region_code"], ["region.code"], name=op.f("fk_data_center_region_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_center")),
        sa.UniqueConstraint("code", name=op.f("uq_data_center_code")),
        sa.UniqueConstraint("region_code", "code", name=op.f("uq_data_center_region_code_code")),
    )
    op.create_table(
        "domain",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fqdn", sa.Text(collation="C"), nullable=False),
        sa.Column("dns_enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("char_length(fqdn) BETWEEN 1 AND 253", name=op.f("ck_domain_fqdn_length")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_domain_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_domain")),
        sa.UniqueConstraint("fqdn", name=op.f("uq_domain_fqdn")),
    )
    op.create_table(
        "availability_zone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("data_center_code", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.CheckConstraint("audience IN ('CLIENT', 'GROUP')", name=op.f("ck_availability_zone_audience_known")),
        sa.ForeignKeyConstraint(
            ["data_center_code"], ["data_center.code"], name=op.f("fk_availability_zone_data_center_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_availability_zone")),
        sa.UniqueConstraint("code", name=op.f("uq_availability_zone_code")),
        sa.UniqueConstraint("data_center_code", "code", name=op.f("uq_availability_zone_data_center_code_code")),
    )
    op.create_table(
        "maintenance",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(reason) BETWEEN 1 AND 1000", name=op.f("ck_maintenance_reason_length")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_maintenance_times_in_order")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_maintenance_organization_id_cloud_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_maintenance")),
        sa.UniqueConstraint(
            "organization_id", "cloud_id", "id", name=op.f("uq_maintenance_organization_id_cloud_id_id")
        ),
    )
    op.create_index("ix_maintenance_cloud_id_starts_at", "maintenance", ["cloud_id", "starts_at", "id"], unique=False)
    op.create_index("ix_maintenance_id", "maintenance", ["id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("profile IN ('STD', 'DTM', 'OPE', 'POW')", name=op.f("ck_membership_profile_known")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_membership_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_membership_organization_id_cloud_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "cloud_id", "account_id", "profile", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_account_id", "membership", ["account_id"], unique=False)
    op.create_table(
        "network",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("vlan", sa.Integer(), nullable=False),
        sa.Column("cidr", sa.Text(collation="C"), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.CheckConstraint("scope IN ('PRIVATE', 'INTERCO', 'INTERNET')", name=op.f("ck_network_scope_known")),
        sa.CheckConstraint("vlan BETWEEN 1 AND 4094", name=op.f("ck_network_vlan_range")),
        sa.ForeignKeyConstraint(
            ["organization_id", "area_id"],
            ["area.organization_id", "area.id"],
            name=op.f("fk_network_organization_id_area_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_network_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_network")),
        sa.UniqueConstraint("organization_id", "cidr", "vlan", name=op.f("uq_network_organization_id_cidr_vlan")),
    )
    op.create_index("ix_network_organization_id_vlan", "network", ["organization_id", "vlan"], unique=False)
    op.create_table(
        "operation",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_type", sa.Text(), nullable=True),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change_reference", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('IN_PROGRESS', 'SUCCESS', 'ERROR', 'CANCELLED')", name=op.f("ck_operation_status_known")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_operation_progress_range")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_operation_organization_id_cloud_id"),
        ),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["account.id"], name=op.f("fk_operation_submitted_by_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_operation")),
        sa.UniqueConstraint("organization_id", "cloud_id", "id", name=op.f("uq_operation_organization_id_cloud_id_id")),
    )
    op.create_index("ix_operation_cloud_id_submitted_at", "operation", ["cloud_id", "submitted_at", "id"], unique=False)
    op.create_index("ix_operation_id", "operation", ["id"], unique=False)
    op.create_index(
        "ix_operation_organization_id_submitted_at",
        "operation",
        ["organization_id", "submitted_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_operation_resource_id_submitted_at", "operation", ["resource_id", "submitted_at", "id"], unique=False
    )
    op.create_table(
        "organization_member",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("is_security_representative", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_organization_member_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_organization_member_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "account_id", name=op.f("pk_organization_member")),
    )
    op.create_index("ix_organization_member_account_id", "organization_member", ["account_id"], unique=False)
    op.create_table(
        "service",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name !~ '/'", name=op.f("ck_service_name_no_slash")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_service_name_length")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_service_organization_id_cloud_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_service")),
        sa.UniqueConstraint("organization_id", "cloud_id", "id", name=op.f("uq_service_organization_id_cloud_id_id")),
        sa.UniqueConstraint(
            "organization_id", "cloud_id", "name", name=op.f("uq_service_organization_id_cloud_id_name")
        ),
    )
    op.create_index("ix_service_cloud_id_name", "service", ["cloud_id", "name", "id"], unique=False)
    op.create_index("ix_service_id", "service", ["id"], unique=False)
    op.create_index("ix_service_organization_id_name", "service", ["organization_id", "name", "id"], unique=False)
    op.create_table(
        "indicator",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('HTTP', 'TCP', 'METRIC')", name=op.f("ck_indicator_kind_known")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_indicator_name_length")),
        sa.CheckConstraint("char_length(target) BETWEEN 1 AND 2000", name=op.f("ck_indicator_target_length")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "service_id"],
            ["service.organization_id", "service.cloud_id", "service.id"],
            name=op.f("fk_indicator_organization_id_cloud_id_service_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_indicator")),
        sa.UniqueConstraint(
            "organization_id", "service_id", "name", name=op.f("uq_indicator_organization_id_service_id_name")
        ),
    )
    op.create_index("ix_indicator_id", "indicator", ["id"], unique=False)
    op.create_index("ix_indicator_service_id_name", "indicator", ["service_id", "name", "id"], unique=False)
    op.create_table(
        "operation_step",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('IN_PROGRESS', 'SUCCESS', 'ERROR', 'CANCELLED')", name=op.f("ck_operation_step_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "operation_id"],
            ["operation.organization_id", "operation.cloud_id", "operation.id"],
            name=op.f("fk_operation_step_organization_id_cloud_id_operation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_operation_step")),
        sa.UniqueConstraint(
            "organization_id",
            "operation_id",
            "position",
            name=op.f("uq_operation_step_organization_id_operation_id_position"),
        ),
    )
    op.create_index("ix_operation_step_operation_id", "operation_step", ["operation_id", "position"], unique=False)
    op.create_table(
        "resource",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("environment", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "availability_zones", sa.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("data_centers", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("monitoring_enabled", sa.Boolean(), nullable=False),
        sa.Column("on_call", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("support_level", sa.Text(collation="C"), nullable=True),
        sa.Column("support_phase", sa.Text(collation="C"), nullable=True),
        sa.Column("network_id", sa.Uuid(), nullable=True),
        sa.Column("ip_addresses", sa.ARRAY(postgresql.INET()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "jsonb_array_length(jsonb_path_query_array(tags, '$.keyvalue()')) <= 50", name=op.f("ck_resource_tags_most")
        ),
        sa.CheckConstraint("jsonb_typeof(tags) = 'object'", name=op.f("ck_resource_tags_object")),
        sa.CheckConstraint("name !~ '/'", name=op.f("ck_resource_name_no_slash")),
        sa.CheckConstraint("status IN ('ACTIVE', 'PREPARATION', 'INACTIVE')", name=op.f("ck_resource_status_known")),
        sa.CheckConstraint(
            "support_phase IN ('STANDARD', 'END_OF_SALE', 'EXTENDED', 'END_OF_SUPPORT')",
            name=op.f("ck_resource_support_phase_known"),
        ),
        sa.CheckConstraint(
            "type IN ('INSTANCE', 'LOAD_BALANCER', 'OBJECT_STORE', 'KUBERNETES_CLUSTER', 'MANAGED_DATABASE', 'MESSAGE_BROKER', 'APPLICATION_SERVER', 'FILE_STORAGE')",
            name=op.f("ck_resource_type_known"),
        ),
        sa.CheckConstraint(
            "NOT jsonb_path_exists(tags, 'strict $.* ? (@.type() != \"string\")')", name=op.f("ck_resource_tags_text")
        ),
        sa.CheckConstraint("cardinality(data_centers) > 0", name=op.f("ck_resource_data_centers_some")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_resource_name_length")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_resource_revision_positive")),
        sa.CheckConstraint("updated_at >= created_at", name=op.f("ck_resource_times_in_order")),
        sa.ForeignKeyConstraint(["environment"], ["environment.code"], name=op.f("fk_resource_environment")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "service_id"],
            ["service.organization_id", "service.cloud_id", "service.id"],
            name=op.f("fk_resource_organization_id_cloud_id_service_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "network_id"],
            ["network.organization_id", "network.id"],
            name=op.f("fk_resource_organization_id_network_id"),
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_resource_product_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_resource")),
        sa.UniqueConstraint("organization_id", "cloud_id", "id", name=op.f("uq_resource_organization_id_cloud_id_id")),
        sa.UniqueConstraint("organization_id", "external_id", name=op.f("uq_resource_organization_id_external_id")),
        sa.UniqueConstraint(
            "organization_id", "service_id", "name", name=op.f("uq_resource_organization_id_service_id_name")
        ),
    )
    op.create_index("ix_resource_cloud_id_name", "resource", ["cloud_id", "name", "id"], unique=False)
    op.create_index("ix_resource_id", "resource", ["id"], unique=False)
    op.create_index("ix_resource_ip_addresses", "resource", ["ip_addresses"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_resource_organization_id_created_at", "resource", ["organization_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_resource_organization_id_name", "resource", ["organization_id", "name", "id"], unique=False)
    op.create_index(
        "ix_resource_organization_id_network_id", "resource", ["organization_id", "network_id"], unique=False
    )
    op.create_index(
        "ix_resource_organization_id_type", "resource", ["organization_id", "type", "name", "id"], unique=False
    )
    op.create_index(
        "ix_resource_organization_id_updated_at", "resource", ["organization_id", "updated_at", "id"], unique=False
    )
    op.create_index("ix_resource_service_id_name", "resource", ["service_id", "name", "id"], unique=False)
    op.create_table(
        "sms_subscription",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("sender", sa.Text(collation="C"), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=False),
        sa.Column("allowed_numbers", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(sender) BETWEEN 1 AND 20", name=op.f("ck_sms_subscription_sender_length")),
        sa.CheckConstraint("per_minute > 0 AND per_hour >= per_minute", name=op.f("ck_sms_subscription_limits")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "service_id"],
            ["service.organization_id", "service.cloud_id", "service.id"],
            name=op.f("fk_sms_subscription_organization_id_cloud_id_service_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sms_subscription")),
        sa.UniqueConstraint(
            "organization_id", "service_id", name=op.f("uq_sms_subscription_organization_id_service_id")
        ),
    )
    op.create_table(
        "cluster_node",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("sizing_code", sa.Text(collation="C"), nullable=False),
        sa.Column("availability_zone_code", sa.Text(collation="C"), nullable=False),
        sa.Column("is_ingress", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('ACTIVE', 'PREPARATION', 'INACTIVE')", name=op.f("ck_cluster_node_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["availability_zone_code"], ["availability_zone.code"], name=op.f("fk_cluster_node_availability_zone_code")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_cluster_node_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["sizing_code"], ["sizing.code"], name=op.f("fk_cluster_node_sizing_code")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_cluster_node")),
        sa.UniqueConstraint(
            "organization_id", "resource_id", "name", name=op.f("uq_cluster_node_organization_id_resource_id_name")
        ),
    )
    op.create_index("ix_cluster_node_id", "cluster_node", ["id"], unique=False)
    op.create_index("ix_cluster_node_resource_id_name", "cluster_node", ["resource_id", "name", "id"], unique=False)
    op.create_table(
        "dns_alias",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("domain_id", sa.Uuid(), nullable=False),
        sa.Column("fqdn", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(fqdn) BETWEEN 1 AND 253", name=op.f("ck_dns_alias_fqdn_length")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_dns_alias_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "domain_id"],
            ["domain.organization_id", "domain.id"],
            name=op.f("fk_dns_alias_organization_id_domain_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_dns_alias")),
        sa.UniqueConstraint("organization_id", "fqdn", name=op.f("uq_dns_alias_organization_id_fqdn")),
    )
    op.create_index("ix_dns_alias_id", "dns_alias", ["id"], unique=False)
    op.create_index("ix_dns_alias_resource_id_fqdn", "dns_alias", ["resource_id", "fqdn", "id"], unique=False)
    op.create_table(
        "file_system",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("mount_point", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("size_gb", sa.Float(), nullable=False),
        sa.Column("free_gb", sa.Float(), nullable=False),
        sa.CheckConstraint("size_gb >= 0 AND free_gb BETWEEN 0 AND size_gb", name=op.f("ck_file_system_sizes")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_file_system_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_file_system")),
        sa.UniqueConstraint(
            "organization_id",
            "resource_id",
            "mount_point",
            name=op.f("uq_file_system_organization_id_resource_id_mount_point"),
        ),
    )
    op.create_table(
        "instance",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Text(collation="C"), nullable=False),
        sa.Column("os_type", sa.Text(), nullable=False),
        sa.Column("cpu", sa.Integer(), nullable=False),
        sa.Column("ram_gb", sa.Integer(), nullable=False),
        sa.Column("disk_gb", sa.Integer(), nullable=False),
        sa.Column("backup_policy", sa.Text(collation="C"), nullable=True),
        sa.Column("backup_last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backup_size_gb", sa.Float(), nullable=True),
        sa.Column("recovery", sa.Boolean(), nullable=False),
        sa.Column("patching_group", sa.Text(collation="C"), nullable=True),
        sa.Column("patching_next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("patching_excluded", sa.Boolean(), nullable=False),
        sa.Column("patching_excluded_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("os_type IN ('LINUX', 'WINDOWS', 'UNIX')", name=op.f("ck_instance_os_type_known")),
        sa.CheckConstraint("cpu > 0 AND ram_gb > 0 AND disk_gb >= 0", name=op.f("ck_instance_sizes")),
        sa.CheckConstraint(
            "patching_excluded OR patching_excluded_reason IS NULL", name=op.f("ck_instance_patching_reason")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_instance_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", name=op.f("pk_instance")),
    )
    op.create_table(
        "kubernetes_cluster",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("kubernetes_version", sa.Text(collation="C"), nullable=False),
        sa.Column("ingress", sa.Text(collation="C"), nullable=False),
        sa.Column("high_availability", sa.Boolean(), nullable=False),
        sa.Column("backup_policy", sa.Text(collation="C"), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_kubernetes_cluster_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", name=op.f("pk_kubernetes_cluster")),
    )
    op.create_table(
        "load_balancer",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("domain", sa.Text(collation="C"), nullable=True),
        sa.Column("protocol", sa.Text(collation="C"), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(collation="C"), nullable=True),
        sa.Column("persistence", sa.Text(collation="C"), nullable=True),
        sa.Column("fallback_persistence", sa.Text(collation="C"), nullable=True),
        sa.Column("health_check", sa.Text(), nullable=True),
        sa.Column("tls_profile", sa.Text(collation="C"), nullable=True),
        sa.Column("redirect_to_https", sa.Boolean(), nullable=False),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_load_balancer_port_range")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_load_balancer_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", name=op.f("pk_load_balancer")),
    )
    op.create_table(
        "load_balancer_member",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ENABLED', 'DISABLED', 'OFFLINE')", name=op.f("ck_load_balancer_member_state_known")
        ),
        sa.CheckConstraint("status IN ('UP', 'DOWN', 'USER_DOWN')", name=op.f("ck_load_balancer_member_status_known")),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_load_balancer_member_port_range")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "instance_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_load_balancer_member_organization_id_cloud_id_instance_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_load_balancer_member_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_load_balancer_member")),
        sa.UniqueConstraint(
            "organization_id",
            "resource_id",
            "instance_id",
            "port",
            name=op.f("uq_load_balancer_member_organization_id_resource_id_instance_id_port"),
        ),
    )
    op.create_index("ix_load_balancer_member_id", "load_balancer_member", ["id"], unique=False)
    op.create_index(
        "ix_load_balancer_member_instance_id", "load_balancer_member", ["instance_id", "resource_id"], unique=False
    )
    op.create_index("ix_load_balancer_member_resource_id", "load_balancer_member", ["resource_id", "id"], unique=False)
    op.create_table(
        "maintenance_subject",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("maintenance_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(service_id, resource_id) = 1", name=op.f("ck_maintenance_subject_one_subject")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "maintenance_id"],
            ["maintenance.organization_id", "maintenance.cloud_id", "maintenance.id"],
            name=op.f("fk_maintenance_subject_organization_id_cloud_id_maintenance_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_maintenance_subject_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "service_id"],
            ["service.organization_id", "service.cloud_id", "service.id"],
            name=op.f("fk_maintenance_subject_organization_id_cloud_id_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_maintenance_subject")),
        sa.UniqueConstraint(
            "organization_id",
            "maintenance_id",
            "service_id",
            "resource_id",
            name=op.f("uq_maintenance_subject_organization_id_maintenance_id_service_id_resource_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_maintenance_subject_maintenance_id", "maintenance_subject", ["maintenance_id", "id"], unique=False
    )
    op.create_index("ix_maintenance_subject_resource_id", "maintenance_subject", ["resource_id"], unique=False)
    op.create_table(
        "middleware",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Text(collation="C"), nullable=True),
        sa.Column("topology", sa.Text(collation="C"), nullable=True),
        sa.Column("disk_gb", sa.Integer(), nullable=True),
        sa.Column("tls_enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("disk_gb >= 0", name=op.f("ck_middleware_disk")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_middleware_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", name=op.f("pk_middleware")),
    )
    op.create_table(
        "namespace",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("cpu_limit", sa.Integer(), nullable=True),
        sa.Column("ram_limit_gb", sa.Integer(), nullable=True),
        sa.CheckConstraint("name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name=op.f("ck_namespace_name_form")),
        sa.CheckConstraint("cpu_limit > 0 AND ram_limit_gb > 0", name=op.f("ck_namespace_limits")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_namespace_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_namespace")),
        sa.UniqueConstraint(
            "organization_id", "resource_id", "name", name=op.f("uq_namespace_organization_id_resource_id_name")
        ),
    )
    op.create_index("ix_namespace_id", "namespace", ["id"], unique=False)
    op.create_index("ix_namespace_resource_id_name", "namespace", ["resource_id", "name", "id"], unique=False)
    op.create_table(
        "object_store",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("geo_replicated", sa.Boolean(), nullable=False),
        sa.Column("quota_gb", sa.Integer(), nullable=False),
        sa.Column("used_gb", sa.Float(), nullable=False),
        sa.CheckConstraint("quota_gb > 0 AND used_gb >= 0", name=op.f("ck_object_store_sizes")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_object_store_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", name=op.f("pk_object_store")),
    )
    op.create_table(
        "object_store_user",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(collation="C"), nullable=False),
        sa.Column("access_key", sa.Text(collation="C"), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(label) BETWEEN 1 AND 200", name=op.f("ck_object_store_user_label_length")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_object_store_user_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_object_store_user")),
        sa.UniqueConstraint("access_key", name=op.f("uq_object_store_user_access_key")),
        sa.UniqueConstraint(
            "organization_id",
            "resource_id",
            "label",
            name=op.f("uq_object_store_user_organization_id_resource_id_label"),
        ),
    )
    op.create_index("ix_object_store_user_id", "object_store_user", ["id"], unique=False)
    op.create_index(
        "ix_object_store_user_resource_id_label", "object_store_user", ["resource_id", "label", "id"], unique=False
    )
    op.create_table(
        "resource_placement",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("data_center_code", sa.Text(collation="C"), nullable=False),
        sa.Column("availability_zone_code", sa.Text(collation="C"), nullable=True),
        sa.ForeignKeyConstraint(
            ["data_center_code", "availability_zone_code"],
            ["availability_zone.data_center_code", "availability_zone.code"],
            name=op.f("fk_resource_placement_data_center_code_availability_zone_code"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_resource_placement_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["region_code", "data_center_code"],
            ["data_center.region_code", "data_center.code"],
            name=op.f("fk_resource_placement_region_code_data_center_code"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", "position", name=op.f("pk_resource_placement")),
    )
    op.create_index(
        "ix_resource_placement_data_center",
        "resource_placement",
        ["organization_id", "data_center_code", "resource_id"],
        unique=False,
    )
    op.create_index(
        "ix_resource_placement_region",
        "resource_placement",
        ["organization_id", "region_code", "resource_id"],
        unique=False,
    )
    op.create_index(
        "ix_resource_placement_zone",
        "resource_placement",
        ["organization_id", "availability_zone_code", "resource_id"],
        unique=False,
    )
    op.create_table(
        "resource_tag",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("key !~ '^!|:'", name=op.f("ck_resource_tag_key_form")),
        sa.CheckConstraint("char_length(key) BETWEEN 1 AND 128", name=op.f("ck_resource_tag_key_length")),
        sa.CheckConstraint("char_length(value) BETWEEN 0 AND 256", name=op.f("ck_resource_tag_value_length")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_resource_tag_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "resource_id", "key", name=op.f("pk_resource_tag")),
    )
    op.create_index(
        "ix_resource_tag_organization_id_key",
        "resource_tag",
        ["organization_id", "key", "value", "resource_id"],
        unique=False,
    )
    op.create_table(
        "snapshot",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("size_gb", sa.Float(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change_reference", sa.Text(), nullable=True),
        sa.CheckConstraint("char_length(label) BETWEEN 1 AND 200", name=op.f("ck_snapshot_label_length")),
        sa.CheckConstraint("size_gb >= 0", name=op.f("ck_snapshot_size")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "resource_id"],
            ["resource.organization_id", "resource.cloud_id", "resource.id"],
            name=op.f("fk_snapshot_organization_id_cloud_id_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint(
            "organization_id", "resource_id", "label", name=op.f("uq_snapshot_organization_id_resource_id_label")
        ),
    )
    op.create_index("ix_snapshot_id", "snapshot", ["id"], unique=False)
    op.create_index("ix_snapshot_resource_id_created_at", "snapshot", ["resource_id", "created_at", "id"], unique=False)

    op.execute(INDEX_ROWS)
    op.execute(
        "CREATE TRIGGER resource_inserted AFTER INSERT ON resource REFERENCING NEW TABLE AS changed"
        " FOR EACH STATEMENT EXECUTE FUNCTION resource_index_rows()"
    )
    op.execute(
        "CREATE TRIGGER resource_updated AFTER UPDATE ON resource REFERENCING OLD TABLE AS before NEW TABLE AS changed"
        " FOR EACH STATEMENT EXECUTE FUNCTION resource_index_rows()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER resource_updated ON resource")
    op.execute("DROP TRIGGER resource_inserted ON resource")
    op.execute("DROP FUNCTION resource_index_rows()")
    op.drop_index("ix_snapshot_resource_id_created_at", table_name="snapshot")
    op.drop_index("ix_snapshot_id", table_name="snapshot")
    op.drop_table("snapshot")
    op.drop_index("ix_resource_tag_organization_id_key", table_name="resource_tag")
    op.drop_table("resource_tag")
    op.drop_index("ix_resource_placement_zone", table_name="resource_placement")
    op.drop_index("ix_resource_placement_region", table_name="resource_placement")
    op.drop_index("ix_resource_placement_data_center", table_name="resource_placement")
    op.drop_table("resource_placement")
    op.drop_index("ix_object_store_user_resource_id_label", table_name="object_store_user")
    op.drop_index("ix_object_store_user_id", table_name="object_store_user")
    op.drop_table("object_store_user")
    op.drop_table("object_store")
    op.drop_index("ix_namespace_resource_id_name", table_name="namespace")
    op.drop_index("ix_namespace_id", table_name="namespace")
    op.drop_table("namespace")
    op.drop_table("middleware")
    op.drop_index("ix_maintenance_subject_resource_id", table_name="maintenance_subject")
    op.drop_index("ix_maintenance_subject_maintenance_id", table_name="maintenance_subject")
    op.drop_table("maintenance_subject")
    op.drop_index("ix_load_balancer_member_resource_id", table_name="load_balancer_member")
    op.drop_index("ix_load_balancer_member_instance_id", table_name="load_balancer_member")
    op.drop_index("ix_load_balancer_member_id", table_name="load_balancer_member")
    op.drop_table("load_balancer_member")
    op.drop_table("load_balancer")
    op.drop_table("kubernetes_cluster")
    op.drop_table("instance")
    op.drop_table("file_system")
    op.drop_index("ix_dns_alias_resource_id_fqdn", table_name="dns_alias")
    op.drop_index("ix_dns_alias_id", table_name="dns_alias")
    op.drop_table("dns_alias")
    op.drop_index("ix_cluster_node_resource_id_name", table_name="cluster_node")
    op.drop_index("ix_cluster_node_id", table_name="cluster_node")
    op.drop_table("cluster_node")
    op.drop_table("sms_subscription")
    op.drop_index("ix_resource_service_id_name", table_name="resource")
    op.drop_index("ix_resource_organization_id_updated_at", table_name="resource")
    op.drop_index("ix_resource_organization_id_type", table_name="resource")
    op.drop_index("ix_resource_organization_id_network_id", table_name="resource")
    op.drop_index("ix_resource_organization_id_name", table_name="resource")
    op.drop_index("ix_resource_organization_id_created_at", table_name="resource")
    op.drop_index("ix_resource_ip_addresses", table_name="resource", postgresql_using="gin")
    op.drop_index("ix_resource_id", table_name="resource")
    op.drop_index("ix_resource_cloud_id_name", table_name="resource")
    op.drop_table("resource")
    op.drop_index("ix_operation_step_operation_id", table_name="operation_step")
    op.drop_table("operation_step")
    op.drop_index("ix_indicator_service_id_name", table_name="indicator")
    op.drop_index("ix_indicator_id", table_name="indicator")
    op.drop_table("indicator")
    op.drop_index("ix_service_organization_id_name", table_name="service")
    op.drop_index("ix_service_id", table_name="service")
    op.drop_index("ix_service_cloud_id_name", table_name="service")
    op.drop_table("service")
    op.drop_index("ix_organization_member_account_id", table_name="organization_member")
    op.drop_table("organization_member")
    op.drop_index("ix_operation_resource_id_submitted_at", table_name="operation")
    op.drop_index("ix_operation_organization_id_submitted_at", table_name="operation")
    op.drop_index("ix_operation_id", table_name="operation")
    op.drop_index("ix_operation_cloud_id_submitted_at", table_name="operation")
    op.drop_table("operation")
    op.drop_index("ix_network_organization_id_vlan", table_name="network")
    op.drop_table("network")
    op.drop_index("ix_membership_account_id", table_name="membership")
    op.drop_table("membership")
    op.drop_index("ix_maintenance_id", table_name="maintenance")
    op.drop_index("ix_maintenance_cloud_id_starts_at", table_name="maintenance")
    op.drop_table("maintenance")
    op.drop_table("availability_zone")
    op.drop_table("domain")
    op.drop_table("data_center")
    op.drop_index("uq_cloud_default", table_name="cloud", postgresql_where=sa.text("is_default"))
    op.drop_index("ix_cloud_organization_id_name", table_name="cloud")
    op.drop_index("ix_cloud_id", table_name="cloud")
    op.drop_table("cloud")
    op.drop_table("area")
    op.drop_index("ix_account_organization_id", table_name="account")
    op.drop_table("account")
    op.drop_table("sizing")
    op.drop_table("region")
    op.drop_table("product")
    op.drop_index("ix_organization_name", table_name="organization")
    op.drop_table("organization")
    op.drop_table("environment")
