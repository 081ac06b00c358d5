// Takes events from a Kafka topic, each once: KAFKA=127.0.0.1:9092 WEBHOOK_SECRET=whsec_… node kafka.js
// Without WEBHOOK_SECRET signatures are not looked at: then whoever may write to the topic can make events up.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Kafka } from 'kafkajs'
import { openInbox } from '../../backends/node/inbox.js'

const secret = process.env.WEBHOOK_SECRET
const store = openInbox(process.env.INBOX ?? 'inbox.jsonl')
const kafka = new Kafka({ clientId: 'shop', brokers: (process.env.KAFKA ?? '127.0.0.1:9092').split(',') })
const consumer = kafka.consumer({ groupId: 'shop' })

// No age is asked for, as of an HTTP request: a message may have waited in Kafka for days.
function isOurs(headers, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const told = `${headers['webhook-id']}.${headers['webhook-timestamp']}.`
  const wanted = Buffer.from('v1,' + createHmac('sha256', key).update(told).update(body).digest('base64'))
  const signatures = String(headers['webhook-signature']).split(' ').map((one) => Buffer.from(one))
  return signatures.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted))
}

async function take({ topic, partition, message }) {
  const { headers, key, value: body, offset } = message
  if (secret && !isOurs(headers, body)) {
    console.error(`not signed by us: ${topic}/${partition} at ${offset}`)
    process.exit(1) // passed over, it would be lost if the secret is wrong here
  }
  store({ id: String(headers['ce-id']), order: String(key), body: body.toString('base64') }) // throws: it comes again
  // Only now: it is on the disk.
  await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(offset) + 1n) }])
}

process.once('SIGTERM', () => consumer.disconnect()) // what is under way is ended, and others take over the partitions
await consumer.connect()
await consumer.subscribe({ topic: process.env.TOPIC ?? 'wxpush-events', fromBeginning: true })
await consumer.run({ autoCommit: false, eachMessage: take })
