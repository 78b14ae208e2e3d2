SELECT json_build_object('data', json_build_object('resources', (
  SELECT coalesce(json_agg(json_build_object(
    'id', r.id, 'name', r.name, 'type', r.type, 'status', r.status, 'environment', r.environment,
    'createdAt', r.created_at, 'availabilityZone', json_build_object('code', z.code),
    'service', json_build_object('name', s.name), 'tags', tags.list) ORDER BY r.id), '[]')
  FROM (SELECT r.* FROM resource r WHERE r.id > $1::int ORDER BY r.id LIMIT $2::int) r
  JOIN service s ON s.id = r.service_id
  JOIN availability_zone z ON z.id = r.availability_zone_id
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_object('key', t.key, 'value', t.value) ORDER BY t.id), '[]') list
    FROM resource_tag t WHERE t.resource_id = r.id) tags)))
