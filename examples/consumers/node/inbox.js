// What the consumers beside this file share: is an event ours, and was it here before. Secrets come from WEBHOOK_SECRET
// (several with blanks between; none: nothing is verified), the inbox's path from INBOX.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { openInbox } from '../../backends/node/inbox.js'

const keys = (process.env.WEBHOOK_SECRET ?? '').split(' ').filter(Boolean)
  .map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
const add = openInbox(process.env.INBOX ?? 'inbox.jsonl')

// By signature alone: a message may have lain in the broker for days, so its age tells nothing.
function isOurs(headers, body) {
  const given = (headers['webhook-signature'] ?? '').split(' ').map((one) => Buffer.from(one))
  return keys.length === 0 || keys.some((key) => {
    const digest = createHmac('sha256', key).update(`${headers['ce-id']}.${headers['webhook-timestamp']}.`).update(body)
    const wanted = Buffer.from('v1,' + digest.digest('base64'))
    return given.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted))
  })
}

// When this returns, the event is on the disk, once. What throws is to come again. `body` is a Buffer; it is kept as
// base64, since not all that WeChat sends is text.
export function store(headers, body) {
  if (!isOurs(headers, body)) throw new Error(`event ${headers['ce-id']}: none of the secrets made its signature`)
  add({ id: headers['ce-id'], order: headers['ce-subject'], body: body.toString('base64') })
}
