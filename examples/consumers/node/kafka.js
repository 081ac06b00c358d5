// Takes events that wxpush handed to Kafka, with kafkajs: TOPIC=wxpush-events node kafka.js
// Several of one GROUP share the topic's partitions; an order is in one of them, so its events take effect in their order.
// What they keep must be in common: this one's inbox is for one process alone. It may be stopped or killed at any time:
// what is not committed comes again, to it or to another of its group.
import { Kafka, logLevel } from 'kafkajs'
import { store } from './inbox.js'

const brokers = (process.env.KAFKA ?? '127.0.0.1:9092').split(',')
const topic = process.env.TOPIC ?? 'wxpush-events'
const kafka = new Kafka({ clientId: 'shop', brokers, logLevel: logLevel.ERROR })
const consumer = kafka.consumer({
  groupId: process.env.GROUP ?? 'shop',
  retry: { restartOnFailure: async () => true }, // whatever it was
})

async function take({ partition, message }) {
  try {
    const headers = Object.entries(message.headers).map(([name, value]) => [name, value.toString()])
    store(Object.fromEntries(headers), message.value)
  } catch (error) {
    console.log(`not now: ${error.message}`) // a full disk, a signature of nobody's
    throw error // it is not committed, and comes again
  }
  const offset = String(BigInt(message.offset) + 1n)
  await consumer.commitOffsets([{ topic, partition, offset }]) // only now: it is on the disk
}

process.once('SIGTERM', () => consumer.disconnect()) // it leaves its group, and others go on with its partitions at once
consumer.on(consumer.events.GROUP_JOIN, () => console.log(`takes events from ${topic}`))
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true }) // a new group begins with what is there
await consumer.run({ autoCommit: false, eachMessage: take })
