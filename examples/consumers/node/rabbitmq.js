// Takes events that wxpush handed to RabbitMQ, with amqplib: QUEUE=wxpush node rabbitmq.js
// One process a queue. wxpush made the queue with x-single-active-consumer, so a second process beside it gets nothing
// until the first is gone, and an order's events take effect in their order. It may be stopped or killed at any time: what
// is not acknowledged comes again.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import amqp from 'amqplib'
import { store } from './inbox.js'

const url = process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672/%2F?heartbeat=10'
const queue = process.env.QUEUE ?? 'wxpush'

async function consume() {
  const connection = await amqp.connect(url, { timeout: 10_000 })
  const end = once(connection, 'close') // throws what the connection's 'error' says
  end.catch(() => {}) // told below
  let failed = false
  const giveUp = (error) => {
    failed = true
    console.log(`not now: ${error.message}`)
    connection.close().catch(() => {})
  }
  const channel = await connection.createChannel()
  channel.on('error', giveUp) // no queue yet
  await channel.prefetch(50)
  const take = (message) => {
    if (failed) return // what comes after one that failed has to come again, behind it
    try {
      if (message === null) throw new Error('the queue was deleted')
      store(message.properties.headers, message.content)
      channel.ack(message) // only now: it is on the disk
    } catch (error) {
      giveUp(error) // a full disk, a signature of nobody's: it is not acknowledged, and comes again
    }
  }
  channel.consume(queue, take).then(() => console.log(`takes events from ${queue}`), () => {})
  await end
}

for (;;) {
  await consume().catch((error) => console.log(`not now: ${error.message}`))
  await setTimeout(1000)
}
