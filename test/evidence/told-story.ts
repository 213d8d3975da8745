import type { KeyObject } from "node:crypto"
import {
  newP256Key,
  origin,
  publicKeyText,
  SmallLog,
  seededKey,
  sha256,
  signAsWriter,
} from "./small-log.ts"

export const streamA = "a".repeat(32)
export const streamB = "b".repeat(32)
export const streamC = "c".repeat(32)

/** What a batch line of a stream says. */
export type BatchLine = readonly [first: number, events: number, digest: Buffer]

/** A log in which everything happened that evidence has to tell apart, and where it stands. */
export interface Story {
  readonly log: SmallLog
  /** Indexes of the opening entries. */
  readonly started: number
  readonly openA: number
  readonly openB: number
  readonly openC: number
  readonly openHttp: number
  /** Indexes of the leaves of each stream, and of what the port said about it. */
  readonly leavesA: number[]
  readonly leavesB: number[]
  readonly leavesC: number[]
  readonly leavesHttp: number[]
  readonly aboutA: number[]
  readonly aboutB: number[]
  readonly aboutC: number[]
  readonly aboutHttp: number[]
  readonly batchesA: BatchLine[]
  readonly batchesB: BatchLine[]
  readonly batchesC: BatchLine[]
}

class Port {
  readonly log = new SmallLog()
  #own = 0

  /** An entry of the port's own stream, which entry 0 opens. */
  say(action: string, data: Record<string, unknown>): number {
    const source = `postern://${origin}`
    const actor = { type: "system", id: "port" }
    const event = { id: `own-${this.#own}`, source, action, outcome: "success", actor, data }
    this.#own += 1
    return this.log.add({ open: 0, sequence: this.#own - 1, event: JSON.stringify(event) })
  }
}

/** A stream as its writer sees it: sequence and chain digest. */
class Writer {
  next = 0
  digest: Buffer
  readonly leaves: number[] = []
  readonly about: number[] = []
  readonly batches: BatchLine[] = []
  readonly #port: Port
  readonly #id: string
  #key: KeyObject
  readonly open: number

  constructor(port: Port, id: string, key: KeyObject) {
    this.#port = port
    this.#id = id
    this.#key = key
    this.digest = sha256(Buffer.from(id, "hex"))
    const publicKey = publicKeyText(key)
    const data = { stream: id, writer: `writer-${id[0]}`, framed: true, publicKey }
    this.open = port.say("postern.stream.opened", data)
  }

  /** @param refused positions that get no entry @param altered what the port puts in the place of an event */
  send(count: number, refused: readonly number[] = [], altered?: string): void {
    const events = Array.from({ length: count }, (_, i) => this.#event(this.next + i))
    const lengths = events.map((event) => {
      const bytes = Buffer.from(event)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return Buffer.concat([length, bytes])
    })
    const header = Buffer.alloc(12)
    header.writeBigUInt64BE(BigInt(this.next))
    header.writeUInt32BE(count, 8)
    this.digest = sha256(this.digest, header, sha256(...lengths))
    this.batches.push([this.next, count, this.digest])
    for (const [i, event] of events.entries()) {
      if (refused.includes(i)) continue
      const sequence = this.next + i
      const kept = altered ?? event
      this.leaves.push(this.#port.log.add({ open: this.open, sequence, event: kept }))
    }
    const ranges = refused.map((i) => [this.next + i, this.next + i + 1])
    if (refused.length > 0) this.#record("postern.refused", { sequences: ranges, code: "X" })
    this.next += count
  }

  /** The writer lost events; its digest after them has nothing to do with the one before. */
  lose(count: number): void {
    this.digest = sha256(`lost ${this.next}`)
    this.batches.push([this.next, count, this.digest])
    this.#record("postern.stream.gap", { open: this.open, sequence: this.next, count })
    this.next += count
  }

  /** Another certificate signs from here on; the port says so, or forgets to. */
  renew(key: KeyObject, told = true): void {
    this.#key = key
    const publicKey = publicKeyText(key)
    if (told) this.#record("postern.stream.continued", { open: this.open, publicKey })
  }

  sign(word: "beat" | "close", wrong = false): void {
    const digest = this.digest.toString("base64")
    const text = `postern-stream/v1\n${origin}\n${this.#id}\n${word}\n${this.next}\n${digest}\n`
    const signature = signAsWriter(this.#key, wrong ? `${text}x` : text).toString("base64")
    const action = word === "beat" ? "postern.stream.beat" : "postern.stream.closed"
    this.#record(action, { open: this.open, next: this.next, digest, signature })
  }

  #event(sequence: number): string {
    const text = sequence % 3 === 0 ? "</script><img src=x onerror=alert(1)>" : "✓ ünïcode"
    const targets = [{ type: "invoice", id: `${sequence}` }]
    const action = "invoice.deleted"
    return JSON.stringify({
      id: `${this.#id[0]}-${sequence}`,
      time: "2026-11-22T12:00:00Z",
      action,
      outcome: "success",
      actor: { type: "user", id: text },
      targets,
    })
  }

  #record(action: string, data: Record<string, unknown>): void {
    const writer = `writer-${this.#id[0]}`
    this.about.push(this.#port.say(action, { stream: this.#id, writer, ...data }))
  }
}

/** Tells the story; `more` entries of somebody else follow, so that the tree is larger than the evidence. */
export function tellStory(more = 100): Story {
  const port = new Port()
  const { log } = port
  const started = port.say("postern.started", { size: 0 })
  const a = new Writer(port, streamA, seededKey(11))
  const b = new Writer(port, streamB, newP256Key())
  const http = { stream: "http", writer: "writer-h", framed: false }
  const openHttp = port.say("postern.stream.opened", http)
  a.send(3)
  b.send(2)
  const leavesHttp = [0, 1, 2, 3].map((sequence) => {
    const event = `{"id":"h-${sequence}","action":"http.sent","actor":{},"targets":[]}`
    return log.add({ open: openHttp, sequence, changed: 1, event })
  })
  a.sign("beat")
  a.send(5, [2])
  a.sign("beat", true)
  a.send(2)
  a.sign("beat")
  b.send(3)
  const refused = { ...http, framed: undefined, sequences: [[4, 6]], code: "X" }
  const aboutHttp = [port.say("postern.refused", refused)]
  leavesHttp.push(
    log.add({ open: openHttp, sequence: 6, changed: 2, event: '{"id":"h-6","data":{}}' }),
  )
  a.lose(4)
  a.send(3)
  b.send(1, [], '{"id":"b-5","action":"nothing.happened"}')
  b.send(2)
  b.sign("close")
  a.sign("beat")
  a.send(1)
  for (let i = 0; i < more; i++) {
    log.add({ open: openHttp, sequence: 7 + i, changed: 1, event: `{"id":"more-${i}"}` })
  }
  const c = renewing(port)
  return {
    log,
    started,
    openA: a.open,
    openB: b.open,
    openC: c.open,
    openHttp,
    leavesA: a.leaves,
    leavesB: b.leaves,
    leavesC: c.leaves,
    leavesHttp,
    aboutA: a.about,
    aboutB: b.about,
    aboutC: c.about,
    aboutHttp,
    batchesA: a.batches,
    batchesB: b.batches,
    batchesC: c.batches,
  }
}

/** A stream that three certificates signed for; a fourth, of which the port said nothing, signed its end. */
function renewing(port: Port): Writer {
  const c = new Writer(port, streamC, seededKey(12))
  c.send(2)
  c.sign("beat")
  c.renew(newP256Key())
  c.send(3)
  c.sign("beat")
  c.lose(1)
  c.renew(seededKey(13))
  c.send(2)
  c.sign("beat")
  c.lose(1)
  c.renew(seededKey(14), false)
  c.send(4)
  c.sign("close")
  return c
}
