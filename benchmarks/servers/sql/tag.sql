SELECT json_build_object('data', json_build_object('resources', (
  SELECT coalesce(json_agg(json_build_object(
    'id', r.id, 'name', r.name, 'status', r.status, 'environment', r.environment,
    'service', json_build_object('name', s.name, 'cloud', json_build_object('name', c.name)),
    'tags', tags.list) ORDER BY r.id), '[]')
  FROM (
    SELECT r.* FROM resource r
    WHERE EXISTS (
      SELECT 1 FROM resource_tag t WHERE t.resource_id = r.id AND t.key = $1::text AND t.value = $2::text)
    ORDER BY r.id LIMIT $3::int) r
  JOIN service s ON s.id = r.service_id
  JOIN cloud c ON c.id = s.cloud_id
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_object('key', t.key, 'value', t.value) ORDER BY t.id), '[]') list
    FROM resource_tag t WHERE t.resource_id = r.id) tags)))
