import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeUtf8, formatBase64 } from "@postern/log/base"
import { disclosureDigest } from "@postern/log/event"
import { parseReceiptText } from "@postern/log/evidence"
import { openNote, parseNote } from "@postern/log/tlog"
import { afterEach, describe, expect, test } from "vitest"
import { followLog, listSegments, readPruned, rootBefore, writeIntent } from "../disk/index.ts"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { parsePolicy } from "../policy/rules/index.ts"
import { eventOf, live, signer } from "./lives.test.support.ts"
import { Retention, type RetentionWorld } from "./retention.ts"

afterEach(removeDirectories)

const operator = "spiffe://lives.test/operator/o"
const id = "0".repeat(32)
const dayMs = 86_400_000
const year = policyOf("retention: {keep: 365d}")

function policyOf(retention: string) {
  return parsePolicy(`rules:\n  - name: all\n    level: full\n${retention}\n`)
}

/** As lives have them. */
function bodiesOf(path: string) {
  return { sealed: join(`${path}.data`, "disclosures"), keys: `${path}.sealing` }
}

type Life = Awaited<ReturnType<typeof live>>

/** A life of the port with its retention, on a clock that is some days ahead. */
function retentionOf(
  path: string,
  life: Omit<Life, "store"> & { readonly store: RetentionWorld["store"] },
  daysAhead: number,
  policy = year,
) {
  const { store, own, commits, disclosures } = life
  const world = { isClockWrong: false }
  const retention = new Retention({
    ...{ store, own, commits, sealed: disclosures.sealed },
    clock: { microseconds: () => (Date.now() + daysAhead * dayMs) * 1000 },
    bodies: bodiesOf(path),
    holdsFile: join(path, "..", "state", "holds.json"),
    policy: () => policy,
    isClockWrong: () => world.isClockWrong,
  })
  const holds = (): string => (retention.state() as { holdsDigest: string }).holdsDigest
  const run = (to: number) => retention.run({ to, holds: holds() }, operator)
  return { retention, run, world, holds }
}

/** A log of several segments, in an open life. */
async function grow(path: string) {
  const life = await live(path, 65_536)
  const stream = await life.open(id)
  for (let i = 0; i < 30; i++) await life.send(stream, [eventOf(`${stream.next}`, 6000)])
  const firsts = await listSegments(path)
  expect(firsts.length).toBeGreaterThan(3)
  return { life, firsts }
}

async function eventsFrom(path: string, from: number) {
  const view = await followLog(path)
  const leaves = await view.leaves(from, view.head().size)
  await view.close()
  return leaves.map((leaf) => {
    const text = Buffer.from(leaf).toString()
    return JSON.parse(text.slice(text.indexOf("\n")))
  })
}

const notDue = { code: "RETENTION_NOT_DUE" }

describe("a run", () => {
  test("removes what is due, says so before, and the log goes on", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    const to = firsts[2] as number
    const { run } = retentionOf(path, life, 366)
    const root = formatBase64(await rootBefore(path, to))
    const before = life.store.minimum
    const done = await run(to)
    expect(done).toMatchObject({ pruned: { from: before, to }, keys: [] })
    expect(await listSegments(path)).toEqual(firsts.slice(2))
    expect(existsSync(join(path, "pruning"))).toBe(false)
    const said = (await eventsFrom(path, to)).find(
      ({ action }) => action === "postern.retention.pruned",
    )
    expect(said.data).toMatchObject({
      ...{ from: 0, to, root, segments: 2, keep: 365, policy: year.digest, operator },
      bytes: done.pruned?.bytes,
    })
    expect((await readPruned(path))?.kept.length).toBe(said.data.kept)
    // The stream was opened below the minimum; it goes on in this life and in the next.
    const stream = await life.open(id)
    await life.send(stream, [eventOf("after")])
    await life.end()
    const again = await live(path, 65_536)
    expect(again.store.minimum).toBe(to)
    const resumed = await again.open(id)
    expect(resumed.next).toBe(stream.next)
    await again.send(resumed, [eventOf("last")])
    expect(again.fatal).toEqual([])
    await again.end()
  })

  test("what was acknowledged before is acknowledged again, though its slot is gone", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    await retentionOf(path, life, 366).run(firsts[2] as number)
    const { note, rangePath } = await life.again(2, 1)
    const text = Buffer.from(note).toString()
    expect(await openNote(text, [signer.receiptVkey])).toBeDefined()
    const { first, count, root } = parseReceiptText(parseNote(text).text)
    expect({ first, count }).toEqual({ first: 2, count: 1 })
    const view = await followLog(path)
    expect(Buffer.from(root)).toEqual(Buffer.from(await view.hashes(0, 2, 3)))
    await view.close()
    expect([...rangePath(2, 3)]).toEqual([])
    expect(life.fatal).toEqual([])
    await life.end()
  })

  test("a sender without a stream is recognised in the next life, though its opening is gone", async () => {
    const path = newDirectory()
    const life = await live(path, 65_536)
    const post = async (name: string): Promise<void> => {
      await life.post([eventOf(name, 6000)]).durable
    }
    for (let i = 0; i < 40; i++) await post(`http-${i}`)
    const firsts = await listSegments(path)
    expect(firsts.length).toBeGreaterThan(3)
    await retentionOf(path, life, 366).run(firsts.at(-1) as number)
    await post("last")
    await life.end()
    const again = await live(path, 65_536)
    const { offered, durable } = again.post([eventOf("last", 6000)])
    await durable
    expect(offered.kind).toBe("placed")
    const sent = (await eventsFrom(path, again.store.minimum)).filter(
      (event) => event.id === "last",
    )
    expect(sent).toHaveLength(1)
    expect(again.fatal).toEqual([])
    await again.end()
  })

  test("may be repeated, and then nothing happens", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    const { run } = retentionOf(path, life, 366)
    const to = firsts[1] as number
    await run(to)
    expect(await run(to)).toEqual({ pruned: undefined, keys: [] })
    await life.end()
  })

  test("refuses what is not due", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    const to = firsts[1] as number
    await expect(retentionOf(path, life, 364).run(to)).rejects.toMatchObject(notDue)
    const ahead = retentionOf(path, life, 366)
    ahead.world.isClockWrong = true
    await expect(ahead.run(to)).rejects.toMatchObject(notDue)
    ahead.world.isClockWrong = false
    const old = { to, holds: "0".repeat(64) }
    await expect(ahead.retention.run(old, operator)).rejects.toMatchObject(notDue)
    const invalid = { code: "REQUEST_INVALID" }
    for (const wrong of [to + 1, -1, Number.NaN]) {
      await expect(ahead.run(wrong)).rejects.toMatchObject(invalid)
    }
    await expect(ahead.retention.run({ holds: ahead.holds() }, "x")).rejects.toMatchObject(invalid)
    const forEver = retentionOf(path, life, 9999, policyOf(""))
    await expect(forEver.run(to)).rejects.toMatchObject(notDue)
    expect(await listSegments(path)).toEqual(firsts)
    await life.end()
  })

  test("ends a segment that has been open for long", async () => {
    const path = newDirectory()
    const { life } = await grow(path)
    const { run } = retentionOf(path, life, 31)
    await run(0)
    const stream = await life.open(id)
    const segments = (await listSegments(path)).length
    await life.send(stream, [eventOf("in the next segment")])
    expect((await listSegments(path)).length).toBe(segments + 1)
    await life.end()
  })
})

test("large values of months before the log's beginning go with their keys", async () => {
  const path = newDirectory()
  const { life, firsts } = await grow(path)
  const { sealed, keys } = bodiesOf(path)
  const now = new Date().toISOString().slice(0, 7)
  for (const id of ["bodies-2020-01", "bodies-2020-02-2", `bodies-${now}`]) {
    mkdirSync(join(sealed, id), { recursive: true })
    writeFileSync(join(sealed, id, "ab"), "sealed")
    writeFileSync(join(keys, `${id}.key`), "key")
  }
  const { run } = retentionOf(path, life, 366)
  // As long as the log begins with its first entry, all of it may be needed.
  expect((await run(0)).keys).toEqual([])
  expect((await run(firsts[1] as number)).keys).toEqual(["bodies-2020-01", "bodies-2020-02-2"])
  expect(existsSync(join(sealed, "bodies-2020-01"))).toBe(false)
  expect(existsSync(join(keys, "bodies-2020-02-2.key"))).toBe(false)
  expect(existsSync(join(sealed, `bodies-${now}`, "ab"))).toBe(true)
  expect(existsSync(join(keys, `bodies-${now}.key`))).toBe(true)
  await life.end()
})

describe("a port that was killed while it pruned", () => {
  test("undoes what no entry tells of", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    const to = firsts[2] as number
    await writeIntent(path, { to, size: life.commits.head?.size ?? 0 })
    await life.end()
    const again = await live(path, 65_536)
    expect(again.store.minimum).toBe(0)
    expect(existsSync(join(path, "pruning"))).toBe(false)
    await again.end()
  })

  test("finishes what an entry tells of, and not what another entry tells of", async () => {
    for (const [says, minimum] of [
      [0, 2],
      [1, 0],
    ] as const) {
      const path = newDirectory()
      const { life, firsts } = await grow(path)
      const to = firsts[2] as number
      await writeIntent(path, { to, size: life.commits.head?.size ?? 0 })
      life.own.record({
        ...{ action: "postern.retention.pruned", outcome: "success" },
        data: { from: 0, to: to + says },
      })
      await new Promise<void>((resolve) => life.commits.afterDurable(resolve))
      await life.end()
      const again = await live(path, 65_536)
      expect(again.store.minimum).toBe(firsts[minimum])
      expect(await listSegments(path)).toEqual(firsts.slice(minimum))
      expect(existsSync(join(path, "pruning"))).toBe(false)
      expect((await again.open(id)).next).toBe(30)
      await again.end()
    }
  })

  test("finishes a run that ended between its entry and the files", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    const to = firsts[2] as number
    const { directory, minimum } = life.store
    const killed = { directory, minimum, endSegment: () => undefined }
    const store = { ...killed, prune: () => Promise.reject(new Error("killed")) }
    await expect(retentionOf(path, { ...life, store }, 366).run(to)).rejects.toThrow("killed")
    expect(await listSegments(path)).toEqual(firsts)
    await life.end()
    const again = await live(path, 65_536)
    expect(again.store.minimum).toBe(to)
    const said = (await eventsFrom(path, to)).filter(({ action }) => /pruned/.test(action))
    expect(said).toHaveLength(1)
    await again.end()
  })

  test("forgets an intent whose files are gone", async () => {
    const path = newDirectory()
    const { life, firsts } = await grow(path)
    const to = firsts[1] as number
    await retentionOf(path, life, 366).run(to)
    await writeIntent(path, { to, size: 0 })
    await life.end()
    const again = await live(path, 65_536)
    expect(again.store.minimum).toBe(to)
    expect(existsSync(join(path, "pruning"))).toBe(false)
    await again.end()
  })
})

describe("holds", () => {
  test("are entries, and outlive the port", async () => {
    const path = newDirectory()
    const { life } = await grow(path)
    const { retention, holds } = retentionOf(path, life, 0)
    const none = holds()
    const { hold } = await retention.hold({ query: "actor:user/u", reason: "case 7" }, operator)
    expect(holds()).not.toBe(none)
    const later = retentionOf(path, life, 0)
    expect(later.retention.state()).toMatchObject({
      holds: [{ id: hold, query: "actor:user/u", reason: "case 7", operator }],
    })
    await expect(later.retention.release({ hold: "x", reason: "r" }, operator)).rejects.toThrow()
    await expect(later.retention.release({ hold }, operator)).rejects.toThrow()
    await later.retention.release({ hold, reason: "case closed" }, operator)
    expect(later.holds()).toBe(none)
    const said = (await eventsFrom(path, 0)).filter(({ action }) => /retention/.test(action))
    expect(said.map(({ action, data }) => [action, data.hold])).toEqual([
      ["postern.retention.held", hold],
      ["postern.retention.released", hold],
    ])
    await life.end()
  })
})

describe("keys of classes", () => {
  const shortReads = policyOf("retention: {keep: 365d, classes: {read: 30d}}")

  async function sealSome(life: Life): Promise<string> {
    const json = encodeUtf8(`["${"s".repeat(22)}","data",{"secret":1}]`)
    const digest = disclosureDigest(json)
    life.disclosures.sealed.put(1, { class: "read" }, digest, json)
    await life.disclosures.sealed.flush()
    return digest
  }

  test("are destroyed on their day, and the log says so before", async () => {
    const path = newDirectory()
    const { life } = await grow(path)
    await sealSome(life)
    const month = new Date().toISOString().slice(0, 7)
    const name = { class: "read", month }
    const early = await retentionOf(path, life, 29, shortReads).run(0)
    expect(early.keys).toEqual([])
    const { run } = retentionOf(path, life, 62, shortReads)
    expect((await run(0)).keys).toEqual([`read ${month}`])
    expect(await life.disclosures.sealed.keyOf(name)).toBeUndefined()
    expect((await run(0)).keys).toEqual([])
    const said = (await eventsFrom(path, 0)).filter(({ action }) => /keys-destroyed/.test(action))
    expect(said.map(({ data }) => data.keys)).toEqual([[`read ${month}`]])
    await life.end()
  })

  test("stay while there is a hold", async () => {
    const path = newDirectory()
    const { life } = await grow(path)
    await sealSome(life)
    const { run, retention } = retentionOf(path, life, 62, shortReads)
    await retention.hold({ query: "x", reason: "case 7" }, operator)
    expect((await run(0)).keys).toEqual([])
    await life.end()
  })
})
