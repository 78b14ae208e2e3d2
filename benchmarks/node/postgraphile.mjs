// PostGraphile 5 on the tables of its own schema: everything generated, lists rather than connections, no GraphiQL.
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'

const { PGHOST, PGUSER, PGDATABASE, BENCH_SCHEMA, PORT } = process.env
const connectionString = `postgres://${PGUSER}@/${PGDATABASE}?host=${encodeURIComponent(PGHOST)}`

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString, schemas: [BENCH_SCHEMA], poolConfig: { max: 10, min: 10 } })],
  schema: { defaultBehavior: '+list +connection +resource:list +query:resource:list' },
  grafast: { explain: false },
  grafserv: { watch: false, graphiql: false },
})
const server = createServer()
await instance.createServ(grafserv).addTo(server)
server.listen(Number(PORT), '127.0.0.1')
