SELECT json_build_object('data', json_build_object('resource', (
  SELECT json_build_object(
    'id', r.id, 'name', r.name,
    'service', json_build_object('name', s.name,
      'cloud', json_build_object('name', c.name, 'organization', json_build_object('name', o.name))),
    'tags', (
      SELECT coalesce(json_agg(json_build_object('key', t.key, 'value', t.value) ORDER BY t.id), '[]')
      FROM resource_tag t WHERE t.resource_id = r.id),
    'availabilityZone', json_build_object('code', z.code,
      'dataCenter', json_build_object('code', d.code, 'region', json_build_object('code', g.code))))
  FROM resource r
  JOIN service s ON s.id = r.service_id
  JOIN cloud c ON c.id = s.cloud_id
  JOIN organization o ON o.id = c.organization_id
  JOIN availability_zone z ON z.id = r.availability_zone_id
  JOIN data_center d ON d.id = z.data_center_id
  JOIN region g ON g.id = d.region_id
  WHERE r.id = $1::int)))
