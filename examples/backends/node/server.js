// Takes events from wxpush with Node's own server: WEBHOOK_SECRET=whsec_… node server.js
import { isUtf8 } from 'node:buffer'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { openInbox } from './inbox.js'

const webhook = new Webhook(process.env.WEBHOOK_SECRET)
const store = openInbox(process.env.INBOX ?? 'inbox.jsonl')
const largest = 1024 * 1024 // as wxpush's max_body

async function answer(request) {
  if (request.method !== 'POST' || request.url !== '/wechat') return 404
  if (!(Number(request.headers['content-length']) <= largest)) return 413
  const body = await buffer(request) // the bytes as they came: nothing has parsed them
  if (!isUtf8(body)) return 422 // the library signs text, and cannot verify this: a dead letter in wxpush
  try {
    webhook.verify(body, request.headers, { jsonParse: false }) // signature and age; not all that WeChat sends is JSON
  } catch (error) {
    console.error(`refused: ${error.message}`)
    return 401
  }
  store({ id: request.headers['webhook-id'], order: request.headers['ce-subject'], body: body.toString() })
  return 204 // only now: it is on the disk
}

const server = createServer((request, response) => {
  answer(request)
    .catch((error) => (console.error(error), 500)) // wxpush sends it again
    .then((status) => response.writeHead(status, status === 413 ? { connection: 'close' } : {}).end())
})
server.requestTimeout = 30_000
server.listen(process.env.PORT ?? 3000, process.env.HOST ?? '127.0.0.1')
process.once('SIGTERM', () => server.close()) // what is under way is answered, then the process ends
