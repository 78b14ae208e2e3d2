// Mercurius on the tables of its own schema: compiled queries (jit), a loader per edge, prepared statements.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import graphql from 'graphql'
import mercurius from 'mercurius'
import pg from 'pg'

const { BENCH_SCHEMA, PORT } = process.env // PGHOST, PGUSER and PGDATABASE are the driver's own
const pool = new pg.Pool({ max: 10, min: 10, options: `-c search_path=${BENCH_SCHEMA}` })
const rows = async (name, text, values) => (await pool.query({ name, text, values })).rows
const distinct = (values) => [...new Set(values)]

const RESOURCE = `id, name, type, status, environment, created_at "createdAt", updated_at "updatedAt",
  availability_zone_id, service_id, cpu, ram_gb "ramGb"`

/** The one row that every parent names by a foreign key. */
const one = (table, columns, foreignKey) => async (asked) => {
  const ids = distinct(asked.map(({ obj }) => obj[foreignKey]))
  const found = await rows(`one_${table}`, `SELECT ${columns} FROM ${table} WHERE id = ANY ($1::int[])`, [ids])
  const byId = new Map(found.map((row) => [row.id, row]))
  return asked.map(({ obj }) => byId.get(obj[foreignKey]))
}

/** The rows that name each parent by a foreign key; `first` of each, where the statement takes a second value. */
const many = (name, text, foreignKey) => async (asked) => {
  const sizes = distinct(asked.map(({ params }) => params.first))
  if (sizes.length > 1) throw new Error('one page size per request')
  const lists = new Map(asked.map(({ obj }) => [obj.id, []]))
  const values = sizes[0] === undefined ? [[...lists.keys()]] : [[...lists.keys()], sizes[0]]
  for (const row of await rows(name, text, values)) lists.get(row[foreignKey]).push(row)
  return asked.map(({ obj }) => lists.get(obj.id))
}

const paged = (table, columns, foreignKey) =>
  many(
    `paged_${table}`,
    `SELECT page.* FROM unnest($1::int[]) parent CROSS JOIN LATERAL (
       SELECT ${columns} FROM ${table} WHERE ${foreignKey} = parent ORDER BY id LIMIT $2) page`,
    foreignKey,
  )

const resolvers = {
  DateTime: new graphql.GraphQLScalarType({ name: 'DateTime', serialize: (value) => value.toISOString() }),
  Query: {
    resource: async (_, { id }) => (await rows('resource', `SELECT ${RESOURCE} FROM resource WHERE id = $1`, [id]))[0],
    organization: async (_, { id }) =>
      (await rows('organization', 'SELECT id, name FROM organization WHERE id = $1', [id]))[0],
    resources: (_, { first, after, tagKey, tagValue }) =>
      tagKey == null
        ? rows('page', `SELECT ${RESOURCE} FROM resource WHERE id > $2 ORDER BY id LIMIT $1`, [first, after])
        : rows(
            'tagged',
            `SELECT ${RESOURCE} FROM resource r WHERE id > $2 AND EXISTS (
               SELECT 1 FROM resource_tag t WHERE t.resource_id = r.id AND t.key = $3 AND t.value = $4)
             ORDER BY id LIMIT $1`,
            [first, after, tagKey, tagValue],
          ),
  },
}
const loaders = {
  Resource: {
    service: one('service', 'id, name, cloud_id', 'service_id'),
    availabilityZone: one('availability_zone', 'id, code, data_center_id', 'availability_zone_id'),
    tags: many(
      'tags',
      'SELECT resource_id, key, value FROM resource_tag WHERE resource_id = ANY ($1::int[]) ORDER BY id',
      'resource_id',
    ),
  },
  Service: { cloud: one('cloud', 'id, name, organization_id', 'cloud_id'), resources: paged('resource', RESOURCE, 'service_id') },
  Cloud: {
    organization: one('organization', 'id, name', 'organization_id'),
    services: paged('service', 'id, name, cloud_id', 'cloud_id'),
  },
  AvailabilityZone: { dataCenter: one('data_center', 'id, code, region_id', 'data_center_id') },
  DataCenter: { region: one('region', 'id, code', 'region_id') },
  Organization: {
    clouds: many(
      'clouds',
      'SELECT id, name, organization_id FROM cloud WHERE organization_id = ANY ($1::int[]) ORDER BY id',
      'organization_id',
    ),
  },
}

const app = Fastify()
const schema = readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8')
app.register(mercurius, { schema, resolvers, loaders, jit: 1 })
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
