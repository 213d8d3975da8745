import { generateKeyPairSync, sign } from "node:crypto"
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8, formatBase64, formatHex, type PosternError, sha256 } from "@postern/log/base"
import { checkEvidence, type EvidenceVerdict, streamStatementText } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { followLog, type LogView } from "../disk/index.ts"
import { origin, WrittenLog } from "../guard/verify/written-log.test.support.ts"
import {
  type AskedQuery,
  askQuery,
  type BatchSlots,
  type EvidenceAsk,
  evidenceLines,
  openBatchSlots,
  type PlanOptions,
  packLines,
  planEvidence,
} from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-evidence-"))
const keys = generateKeyPairSync("ec", { namedCurve: "P-256" })
const writer = "spiffe://verify.test/writer/app"
let log: WrittenLog
let view: LogView
let slots: BatchSlots
let stream: number
let http: number
let other: number

beforeAll(async () => {
  log = await WrittenLog.open(base)
  await writeLog()
  view = await followLog(log.path)
  slots = openBatchSlots(log.path)
})
afterAll(async () => {
  await view.close()
  await log.close()
  rmSync(base, { recursive: true })
})

/** Over two segments and two lives: a stream that its writer signs, with a refusal and a gap; one that the port numbers. */
async function writeLog(): Promise<void> {
  await log.started()
  await log.commit()
  stream = openSigned()
  http = log.opened(false)
  log.events(stream, 300)
  await log.commit()
  log.events(http, 5)
  log.batch(stream, ["{}", "refused", "{}"], [1])
  refusal(301)
  log.events(stream, 40)
  beat()
  await log.commit()
  await log.roll()
  log.gap(stream, 7)
  log.events(stream, 60)
  await log.commit()
  await log.started()
  other = log.opened(true)
  log.events(other, 3)
  log.events(stream, 2)
  close()
  await log.commit()
  await log.checkpoint()
}

function openSigned(): number {
  const open = log.size
  const id = formatHex(sha256(encodeUtf8(`${open}`)).subarray(0, 16))
  expect(log.opened(true)).toBe(open)
  const publicKey = formatBase64(keys.publicKey.export({ type: "spki", format: "der" }))
  const opening = { stream: id, writer, framed: true, publicKey }
  log.alterLeaf((leaf) => leaf.replace(/"data":.*/, `"data":${JSON.stringify(opening)}}`))
  return open
}

function refusal(sequence: number): void {
  const { id } = log.streams.get(stream) ?? { id: "" }
  log.own("postern.refused", { stream: id, writer, sequences: [[sequence, sequence + 1]] })
}

function statement(action: string, kind: "beat" | "close"): void {
  const { id, next, digest } = log.streams.get(stream) ?? {
    id: "",
    next: 0,
    digest: sha256(new Uint8Array()),
  }
  const text = streamStatementText({ origin, stream: id, kind, next, digest })
  const key = { key: keys.privateKey, dsaEncoding: "ieee-p1363" } as const
  const signature = formatBase64(sign("sha256", encodeUtf8(text), key))
  log.own(action, {
    stream: id,
    writer,
    open: stream,
    next,
    digest: formatBase64(digest),
    signature,
  })
}

const beat = () => statement("postern.stream.beat", "beat")
const close = () => statement("postern.stream.closed", "close")

async function make(ask: EvidenceAsk, options: PlanOptions = {}) {
  const plan = await planEvidence(view, slots, ask, options)
  const parts: Uint8Array[] = []
  for await (const part of packLines(evidenceLines(view, plan))) parts.push(part as Uint8Array)
  const policy = parsePolicy(`log ${log.log.vkey}\nquorum none\n`)
  const indexes: number[] = []
  const onLeaf = ({ index }: { index: number }) => void indexes.push(index)
  const verdict: EvidenceVerdict = await checkEvidence(parts, policy, { onLeaf })
  expect(verdict.findings).toEqual([])
  expect(verdict.verdict).toBe("SIGNED-ONLY")
  expect(verdict.senders.map(({ index }) => index)).toEqual(indexes)
  return { plan, verdict, indexes, bytes: parts.reduce((sum, { length }) => sum + length, 0) }
}

describe("planEvidence", () => {
  test.each([
    [0, 1],
    [0, 400],
    [299, 120],
  ])("makes a range of a log: from %d, %d entries", async (first, count) => {
    const { verdict, indexes } = await make({ kind: "range", first, count })
    expect(indexes).toEqual(Array.from({ length: count }, (_, i) => first + i))
    expect(verdict).toMatchObject({ kind: "range", claim: { first, count } })
    expect(verdict.counts).toMatchObject({ portAsserted: count, unknown: 0, writerSigned: 0 })
  })

  test("makes the whole log, for which no hash is needed", async () => {
    const { verdict } = await make({ kind: "range", first: 0, count: log.size })
    expect(verdict.counts).toMatchObject({ leaves: log.size, context: 0, hashes: 0 })
  })

  test("makes a set of entries, in whatever order and how often they are named", async () => {
    const { indexes, verdict } = await make({ kind: "indexes", indexes: [350, 7, 7, 9] })
    expect(indexes).toEqual([7, 9, 350])
    expect(verdict.claim).toEqual({ indexes: [7, 9, 350] })
    expect(verdict.senders[0]).toEqual({ index: 7, who: "port-asserted", writer })
  })

  test("makes what fits a query", async () => {
    const asked = { query: "action:postern.stream.*", until: "2100-01-01T00:00:00Z" }
    const { indexes, verdict } = await make(askQuery(asked))
    expect(indexes).toHaveLength(6)
    expect(verdict.claim).toEqual(asked)
    const none = { code: "NOT_FOUND" }
    await expect(make(askQuery({ query: "action:nobody.did" }))).rejects.toMatchObject(none)
    const late = askQuery({ query: "", since: "2100-01-01T00:00:00Z" })
    await expect(make(late)).rejects.toMatchObject(none)
    const code = (asked: AskedQuery) => {
      try {
        return askQuery(asked).kind
      } catch (error) {
        return (error as PosternError).code
      }
    }
    expect(code({ since: "yesterday" })).toBe("REQUEST_INVALID")
    expect(code({ query: "acton:x" })).toBe("QUERY_INVALID")
    const [since, until] = ["2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00"]
    expect(code({ since, until })).toBe("REQUEST_INVALID")
  })

  test("makes a stream with what is missing, and what its writer signed", async () => {
    const { verdict, plan } = await make({ kind: "stream", stream })
    expect(verdict.claim).toEqual({ open: stream, first: 0, next: 412 })
    expect(plan.beyond).toBeUndefined()
    // The batch of the refusal and the one before it are not: nobody signed between.
    expect(verdict.counts).toMatchObject({ leaves: 408, writerSigned: 102, unknown: 0 })
    const spki = keys.publicKey.export({ type: "spki", format: "der" })
    expect(verdict.writerKeys).toEqual([{ writer, sha256: formatHex(sha256(spki)) }])
  })

  test("finds a stream by its id", async () => {
    const id = formatHex(sha256(encodeUtf8(`${stream}`)).subarray(0, 16))
    const { verdict } = await make({ kind: "stream", stream: id })
    expect(verdict.claim).toMatchObject({ open: stream })
    const unknown = make({ kind: "stream", stream: "00".repeat(16) })
    await expect(unknown).rejects.toMatchObject({ code: "NOT_FOUND" })
  })

  test("makes a stream that nobody signed, and one that the port numbers", async () => {
    const unsigned = await make({ kind: "stream", stream: other })
    expect(unsigned.verdict.counts).toMatchObject({ leaves: 3, writerSigned: 0, portAsserted: 3 })
    const numbered = await make({ kind: "stream", stream: http })
    expect(numbered.verdict.claim).toEqual({ open: http, first: 0, next: 5 })
    expect(numbered.plan.batches).toEqual([])
  })

  test.each([
    ["an entry that is no opening", { kind: "stream", stream: 5 }, "NOT_FOUND"],
    ["an entry beyond the log", { kind: "indexes", indexes: [1, 99_999] }, "NOT_FOUND"],
    ["a range beyond the log", { kind: "range", first: 400, count: 10_000 }, "NOT_FOUND"],
    ["a range of nothing", { kind: "range", first: 400, count: 0 }, "REQUEST_INVALID"],
    ["no entry at all", { kind: "indexes", indexes: [] }, "NOT_FOUND"],
  ] as const)("refuses %s", async (_, ask, code) => {
    await expect(make(ask as EvidenceAsk)).rejects.toMatchObject({ code })
  })

  test("refuses more than fits one file", async () => {
    for (const ask of [
      { kind: "range", first: 0, count: 11 },
      { kind: "stream", stream },
      askQuery({}),
      { kind: "indexes", indexes: Array.from({ length: 11 }, (_, i) => i) },
    ] satisfies EvidenceAsk[]) {
      const refused = make(ask, { leavesMax: 10 })
      await expect(refused).rejects.toMatchObject({ code: "REQUEST_INVALID" })
    }
  })
})

describe("a log that grows", () => {
  afterEach(async () => {
    await log.checkpoint()
  })

  test("entries that no checkpoint covers wait for one, with a word", async () => {
    const first = log.size
    const grown = new Promise<void>((resolve) => {
      const stop = view.onHead(({ size }) => {
        if (size < first + 3) return
        stop()
        resolve()
      })
    })
    log.events(other, 3)
    await log.commit()
    await grown
    const sizes: number[] = []
    const ask = { kind: "range", first, count: 3 } as const
    const making = make(ask, { onWait: (size) => void sizes.push(size) })
    await expect.poll(() => sizes, { timeout: 10_000 }).toEqual([first])
    await log.checkpoint()
    expect((await making).plan.size).toBe(first + 3)
    log.events(other, 1)
    await log.commit()
    await expect.poll(() => view.head().size, { timeout: 10_000 }).toBe(first + 4)
    const late = make({ kind: "range", first, count: 4 }, { waitMs: 0 })
    await expect(late).rejects.toMatchObject({ code: "NOT_FOUND" })
  })

  test("a stream ends where something is missing that nobody has told of", async () => {
    log.batch(other, ["refused", "{}"], [0])
    await log.commit()
    await log.checkpoint()
    await expect.poll(() => view.head().size, { timeout: 10_000 }).toBe(log.size)
    const { plan, verdict } = await make({ kind: "stream", stream: other })
    const { next } = verdict.claim as { next: number }
    expect(plan.beyond).toBe(next + 2)
  })

  test("prefers a checkpoint that was witnessed, and does without one where witnesses are away", async () => {
    const witnessed = join(log.path, "witnessed")
    // Whole or not at all, as the port does it: a reader may be at it.
    const publish = (note: string | undefined) => {
      writeFileSync(`${witnessed}.new`, note ?? "")
      renameSync(`${witnessed}.new`, witnessed)
    }
    const old = await view.checkpoint()
    publish(old)
    const first = log.size
    log.events(other, 2)
    await log.commit()
    await log.checkpoint()
    await expect.poll(() => view.head().size, { timeout: 10_000 }).toBe(first + 2)
    const below = await make({ kind: "range", first: first - 1, count: 1 })
    expect(below.plan.note).toBe(old)
    const away = await make({ kind: "range", first, count: 2 }, { waitMs: 200 })
    expect(away.plan.size).toBe(first + 2)
    const making = make({ kind: "indexes", indexes: [first + 1] })
    const newest = await view.checkpoint()
    publish(newest)
    expect((await making).plan.note).toBe(newest)
    rmSync(witnessed)
  })
})
