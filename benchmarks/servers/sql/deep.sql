SELECT json_build_object('data', json_build_object('organization', (
  SELECT json_build_object('id', o.id, 'name', o.name, 'clouds', (
    SELECT coalesce(json_agg(json_build_object('id', c.id, 'name', c.name, 'services', services.list) ORDER BY c.id), '[]')
    FROM cloud c
    CROSS JOIN LATERAL (
      SELECT coalesce(
        json_agg(json_build_object('id', s.id, 'name', s.name, 'resources', resources.list) ORDER BY s.id), '[]') list
      FROM (SELECT * FROM service s WHERE s.cloud_id = c.id ORDER BY s.id LIMIT 20) s
      CROSS JOIN LATERAL (
        SELECT coalesce(json_agg(json_build_object(
          'id', r.id, 'name', r.name, 'status', r.status, 'environment', r.environment, 'tags', tags.list)
          ORDER BY r.id), '[]') list
        FROM (SELECT * FROM resource r WHERE r.service_id = s.id ORDER BY r.id LIMIT 10) r
        CROSS JOIN LATERAL (
          SELECT coalesce(json_agg(json_build_object('key', t.key, 'value', t.value) ORDER BY t.id), '[]') list
          FROM resource_tag t WHERE t.resource_id = r.id) tags) resources) services
    WHERE c.organization_id = o.id))
  FROM organization o WHERE o.id = $1::int)))
