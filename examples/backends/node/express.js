// Takes events from wxpush with Express: NODE_ENV=production WEBHOOK_SECRET=whsec_… node express.js
import { isUtf8 } from 'node:buffer'
import express from 'express'
import { Webhook } from 'standardwebhooks'
import { openInbox } from './inbox.js'

const webhook = new Webhook(process.env.WEBHOOK_SECRET)
const store = openInbox(process.env.INBOX ?? 'inbox.jsonl')
const app = express()

// Before express.json(), which leaves an object in place of the bytes. And for every content type: by default
// express.raw() takes application/octet-stream alone, and request.body stays empty for JSON.
app.post('/wechat', express.raw({ type: () => true, limit: '1mb' }), (request, response) => {
  const body = request.body
  if (!isUtf8(body)) return response.sendStatus(422) // the library signs text, and cannot verify this: a dead letter
  try {
    webhook.verify(body, request.headers, { jsonParse: false }) // signature and age; not all that WeChat sends is JSON
  } catch (error) {
    console.error(`refused: ${error.message}`)
    return response.sendStatus(401)
  }
  store({ id: request.get('webhook-id'), order: request.get('ce-subject'), body: body.toString() }) // throws: 500
  response.sendStatus(204) // only now: it is on the disk
})

app.use(express.json()) // for the shop's other routes, which come below

const server = app.listen(process.env.PORT ?? 3000, process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error // Express 5 hands a taken port here
})
server.requestTimeout = 30_000
process.once('SIGTERM', () => server.close()) // what is under way is answered, then the process ends
