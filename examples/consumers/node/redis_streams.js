// Takes events that wxpush handed to Redis Streams, with node-redis: STREAM=wxpush:events node redis_streams.js
// One process a stream. A second one beside it gets nothing until the first is gone, so that an order's events take effect
// in their order. It may be stopped or killed at any time: what is not acknowledged comes again.
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { createClient, RESP_TYPES } from 'redis'
import { store } from './inbox.js'

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379/0'
const stream = process.env.STREAM ?? 'wxpush:events'
const group = process.env.GROUP ?? 'shop'
const lease = 1000 * (process.env.LEASE ?? 10) // ms that a turn lasts unless it is renewed; more than a batch takes
const trimEvery = 1000 * (process.env.TRIM_EVERY ?? 60)
const me = randomUUID()
const takeTurn = `
local whose = redis.call('GET', KEYS[1])
if whose and whose ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

// First what was handed out and never acknowledged, whoever had it: it is older than all that is new.
async function nextEntries(client) {
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }) // not all that WeChat sends is text
  const { messages } = await bytes.xAutoClaim(stream, group, me, 0, '0-0', { COUNT: 50 })
  if (messages.length > 0) return messages
  const found = await bytes.xReadGroup(group, me, { key: stream, id: '>' }, { COUNT: 50, BLOCK: lease / 4 })
  return found ? found[0].messages : []
}

async function take(client, entries) {
  for (const { id, message: { body, ...fields } } of entries) {
    store(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])), body) // throws: again
    await client.xAck(stream, group, id) // only now: it is on the disk
  }
}

// What every group has acknowledged goes; what one of them still needs stays.
async function trim(client) {
  const needed = []
  for (const { name, pending, 'last-delivered-id': read } of await client.xInfoGroups(stream)) {
    const { firstId } = await client.xPending(stream, name)
    needed.push((pending > 0 && firstId) || read)
  }
  const compare = (a, b) => a.split('-').reduce((order, part, at) => order || Number(part) - Number(b.split('-')[at]), 0)
  await client.xTrim(stream, 'MINID', needed.sort(compare)[0], { strategyModifier: '~' })
}

async function consume(client) {
  await client.connect()
  await client.xGroupCreate(stream, group, '0', { MKSTREAM: true }).catch(() => {}) // it is there already
  console.log(`takes events from ${stream} when it is its turn`)
  for (let trimAt = 0; ;) {
    if (!await client.eval(takeTurn, { keys: [`${stream}:${group}:turn`], arguments: [me, String(lease)] })) {
      await setTimeout(lease / 10)
      continue
    }
    await take(client, await nextEntries(client))
    if (Date.now() < trimAt) continue
    await trim(client)
    trimAt = Date.now() + trimEvery
  }
}

for (;;) {
  const client = createClient({ url, socket: { reconnectStrategy: false, socketTimeout: lease + 10_000 } })
  client.on('error', () => {}) // told below
  await consume(client).catch((error) => console.log(`not now: ${error.message}`)) // no Redis, a full disk, …
  if (client.isOpen) client.destroy()
  await setTimeout(1000)
}
