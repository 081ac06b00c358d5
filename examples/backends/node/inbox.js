// Each event once, in a file of JSON lines. An event's id and what it does are one write, so neither is there without the
// other. A shop does the same in its database: BEGIN; INSERT the id, which is UNIQUE; what the event changes; COMMIT.
// One process a file. The ids are kept in memory and for ever: beyond a sample, that is what the database's index is for.
import { appendFileSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

export function openInbox(path) {
  const file = openSync(path, 'a+')
  const found = readFileSync(file)
  let size = found.lastIndexOf('\n') + 1 // behind it: half a line, of a crash amid a write. Nobody was told 200 for it
  ftruncateSync(file, size)
  const lines = found.subarray(0, size).toString().split('\n').slice(0, -1)
  const ids = new Set(lines.map((line) => JSON.parse(line).id))
  fsyncSync(file) // what a killed process wrote may not be on the disk yet
  fsyncSync(openSync(dirname(path), 'r')) // nor the file's own name

  // True if the event is new, false if it was there; either way it is on the disk. Throws if it is not.
  return function store(event) {
    if (ids.has(event.id)) return false
    const line = Buffer.from(JSON.stringify(event) + '\n')
    try {
      appendFileSync(file, line)
      fsyncSync(file)
    } catch (error) {
      ftruncateSync(file, size)
      throw error
    }
    size += line.length
    ids.add(event.id)
    return true
  }
}
