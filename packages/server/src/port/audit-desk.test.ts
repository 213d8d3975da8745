import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { checkConsistency, checkInclusion, leafHash, openCheckpoint } from "@postern/log/tlog"
import type { AuditAnswer, AuditQuestion } from "@postern/log/wire"
import { afterEach, describe, expect, test, vi } from "vitest"
import { followLog, type Head } from "../disk/index.ts"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { AuditDesk } from "./audit-desk.ts"
import { eventOf, live, peer, signer } from "./lives.test.support.ts"
import { PublishedLog } from "./published-log.ts"

afterEach(removeDirectories)

const ask = (
  desk: AuditDesk,
  question: AuditQuestion,
  owner: object = {},
  ahead: (size: number) => void = () => undefined,
): Promise<AuditAnswer> => new Promise((resolve) => desk.ask(owner, question, resolve, ahead))

type Port = Awaited<ReturnType<typeof live>>

/** Publishes what is durable; its size. */
async function publish(port: Port, path: string): Promise<number> {
  const view = await followLog(path)
  const { size, root } = view.head()
  await view.close()
  await port.store.publishCheckpoint(await signer.signCheckpoint(size, root))
  return size
}

describe("a writer that audits", () => {
  test("is given what proves the newest checkpoint from the one that it believes, and its sample", async () => {
    const path = newDirectory()
    const port = await live(path, 1 << 20)
    const stream = await port.open("0".repeat(32))
    const sizes: number[] = []
    const notes: string[] = []
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 7; i++) await port.send(stream, [eventOf(`${round}-${i}`)])
      sizes.push(await publish(port, path))
      const { note } = await ask(port.audits, { seen: 0, sample: undefined })
      notes.push(note)
    }
    const view = await followLog(path)
    const leaves = await view.leaves(0, view.head().size)
    await view.close()
    const points = await Promise.all(notes.map((note) => openCheckpoint(note, signer.vkey)))
    expect(points.map(({ size }) => size)).toEqual(sizes)
    const newest = points[2] as (typeof points)[number]
    for (const known of points) {
      const sample = known.size - 1
      const said = await ask(port.audits, { seen: known.size, sample })
      expect(said).toMatchObject({ from: known.size, sample, note: notes[2] })
      checkConsistency(known.size, newest.size, said.consistency, known.root, newest.root)
      const leaf = leafHash(leaves[sample] as Uint8Array)
      checkInclusion(sample, newest.size, leaf, said.path, newest.root)
    }
    await port.end()
    expect(port.fatal).toEqual([])
  })

  test("waits for the first checkpoint, and is told when its sample is not covered yet", async () => {
    const path = newDirectory()
    const port = await live(path, 1 << 20)
    const early = ask(port.audits, { seen: 0, sample: 1 })
    const stream = await port.open("0".repeat(32))
    await port.send(stream, [eventOf("a")])
    const size = await publish(port, path)
    expect(await early).toMatchObject({ from: 0, sample: 1 })
    expect(await ask(port.audits, { seen: size, sample: size })).toMatchObject({
      ...{ from: size, consistency: [], sample: undefined, path: [] },
    })
    await port.end()
  })

  test("that has seen more than is published is named, and gets the checkpoint all the same", async () => {
    const path = newDirectory()
    const port = await live(path, 1 << 20)
    await port.open("0".repeat(32))
    const size = await publish(port, path)
    const ahead: number[] = []
    const said = await ask(port.audits, { seen: size + 1, sample: undefined }, {}, (published) => {
      ahead.push(published)
    })
    expect(ahead).toEqual([size])
    expect(said).toMatchObject({ from: size + 1, consistency: [] })
    await port.end()
  })
})

describe("a writer that waits for witnesses", () => {
  /** Publishes; the first checkpoints are the witnessed ones. */
  async function lagging() {
    const path = newDirectory()
    const port = await live(path, 1 << 20)
    const stream = await port.open("0".repeat(32))
    const points: { size: number; note: string }[] = []
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) await port.send(stream, [eventOf(`${round}-${i}`)])
      const size = await publish(port, path)
      points.push({ size, note: readFileSync(join(path, "checkpoint"), "utf8") })
    }
    const witness = (at: number) => {
      writeFileSync(join(path, "witnessed"), points[at]?.note ?? "")
    }
    return { port, points, witness }
  }

  test("is given the newest one that they stand behind, proven from a larger one too", async () => {
    const { port, points, witness } = await lagging()
    const none = { seen: 0, sample: undefined, witnessed: true }
    expect((await ask(port.audits, none)).note).toBe(points[2]?.note)
    for (const at of [0, 1, 2]) {
      witness(at)
      const old = await openCheckpoint(points[at]?.note ?? "", signer.vkey)
      for (const { size: seen, note } of points) {
        const known = await openCheckpoint(note, signer.vkey)
        const said = await ask(port.audits, { seen, sample: old.size - 1, witnessed: true })
        expect(said).toMatchObject({ note: points[at]?.note, from: seen, sample: old.size - 1 })
        const [small, large] = known.size < old.size ? [known, old] : [old, known]
        checkConsistency(small.size, large.size, said.consistency, small.root, large.root)
      }
      const later = await ask(port.audits, { seen: 0, sample: old.size, witnessed: true })
      expect(later).toMatchObject({ sample: undefined, path: [] })
    }
    witness(0)
    expect((await ask(port.audits, { seen: 0, sample: undefined })).note).toBe(points[2]?.note)
    await port.end()
  })

  test("and has seen more than is published is named", async () => {
    const { port, points, witness } = await lagging()
    witness(0)
    const ahead: number[] = []
    const seen = (points[2]?.size ?? 0) + 1
    const question = { seen, sample: undefined, witnessed: true }
    const said = await ask(port.audits, question, {}, (size) => ahead.push(size))
    expect(ahead).toEqual([points[2]?.size])
    expect(said).toMatchObject({ from: seen, consistency: [] })
    await port.end()
  })
})

describe("what a writer says of the log", () => {
  test("is in it: that it has seen more, and what it doubts, once a second", async () => {
    const path = newDirectory()
    const port = await live(path, 1 << 20)
    await port.open("0".repeat(32))
    const size = await publish(port, path)
    const owner = {
      ...{ durable: () => undefined, flush: () => undefined },
      ...{ resume: () => undefined, superseded: () => undefined },
    }
    const question = { seen: size + 5, sample: undefined }
    await new Promise((resolve) => port.intake.audit(owner, peer, question, resolve))
    const doubt = { code: "LOG_FORKED", detail: "two trees", note: "a note" }
    for (let n = 0; n < 3; n++) port.intake.doubt(peer, doubt)
    await port.end()
    const view = await followLog(path)
    const leaves = await view.leaves(0, view.head().size)
    await view.close()
    const said = leaves.map((leaf) => Buffer.from(leaf).toString().split("\n")[1] ?? "")
    const events = said.map((text) => JSON.parse(text) as { action: string; data: object })
    expect(events.map(({ action }) => action)).toEqual([
      ...["postern.stream.opened", "postern.refused", "postern.writer.doubt", "postern.refused"],
    ])
    const ahead = { code: "AUDIT_AHEAD", detail: `seen ${size + 5}, published ${size}` }
    expect(events[1]?.data).toMatchObject({ writer: peer.id, ...ahead })
    expect(events[2]?.data).toMatchObject({ writer: peer.id, ...doubt })
    expect(events[3]?.data).toMatchObject({ code: "RATE_LIMITED", detail: "a doubt: LOG_FORKED" })
  })
})

describe("turns", () => {
  /** A log of no entry, whose proofs are empty. */
  const note =
    "desk.test/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— desk.test/log AAAAAAAA\n"
  const view = {
    head: () => ({ size: 0 }) as Head,
    checkpoint: async () => note,
    witnessed: async () => undefined,
    hashes: async () => new Uint8Array(0),
    close: async () => undefined,
  }
  const failed = (error: unknown): never => {
    throw error
  }
  const keys = (from: number) => (from === 0 ? "proofs\n" : undefined)
  const question = { seen: 0, sample: undefined }

  test("come to everybody: one a second for each, who asked first goes first", async () => {
    let now = 0
    const log = new PublishedLog(async () => view)
    const desk = new AuditDesk({ log, keys, now: () => now, failed })
    const [a, b] = [{}, {}]
    const order: string[] = []
    const one = async (name: string, owner: object): Promise<void> => {
      await ask(desk, question, owner)
      order.push(name)
    }
    const first = [one("a", a), one("b", b)]
    await Promise.all(first)
    const late = one("a again", a)
    const other = one("c", {})
    await other
    expect(order).toEqual(["a", "b", "c"])
    now = 1000
    await late
    expect(order.at(-1)).toBe("a again")
    desk.close()
  })

  test("bring what changed about the log key, from where the writer knows it, if it asks", async () => {
    const log = new PublishedLog(async () => view)
    const desk = new AuditDesk({ log, keys, now: () => 0, failed })
    expect((await ask(desk, question)).keys).toBeUndefined()
    expect((await ask(desk, { ...question, keys: 0 })).keys).toBe("proofs\n")
    expect((await ask(desk, { ...question, keys: 1 })).keys).toBeUndefined()
    desk.close()
  })

  test("end with the connection", async () => {
    const log = new PublishedLog(async () => view)
    const desk = new AuditDesk({ log, keys, now: () => 0, failed })
    const gone = {}
    const answered: AuditAnswer[] = []
    desk.ask(gone, question, (answer) => answered.push(answer), failed)
    desk.forget(gone)
    await ask(desk, question)
    expect(answered).toEqual([])
    desk.close()
  })

  test("end with the connection also while they are made", async () => {
    const asked: ((none: undefined) => void)[] = []
    const log = new PublishedLog(async () => ({
      ...view,
      checkpoint: () =>
        asked.length > 0 ? view.checkpoint() : new Promise((resolve) => asked.push(resolve)),
    }))
    let now = 0
    const seconds = () => {
      now += 1000
      return now
    }
    const desk = new AuditDesk({ log, keys, now: seconds, failed })
    const gone = {}
    const answered: AuditAnswer[] = []
    desk.ask(gone, question, (answer) => answered.push(answer), failed)
    await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000)
    desk.forget(gone)
    // Whoever is answered while there is no checkpoint waits for the next turn.
    asked[0]?.(undefined)
    await ask(desk, question)
    await ask(desk, question)
    expect(answered).toEqual([])
    desk.close()
  })

  test("an answer that cannot be made is told, and the next one is", async () => {
    const failures: unknown[] = []
    let isBroken = true
    const broken = {
      ...view,
      checkpoint: async () => {
        if (isBroken) throw new Error("unreadable")
        return note
      },
    }
    const desk = new AuditDesk({
      ...{ log: new PublishedLog(async () => broken), keys, now: () => 0 },
      failed: (error) => {
        isBroken = false
        failures.push(error)
      },
    })
    desk.ask({}, question, failed, failed)
    expect(await ask(desk, question)).toMatchObject({ note })
    expect(failures).toHaveLength(1)
    desk.close()
  })
})
