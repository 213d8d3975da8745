import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { beforeAll, describe, expect, test } from "vitest"
import { concatBytes, encodeUtf8 } from "../base/index.ts"
import { parsePolicy } from "../tlog/index.ts"
import { linesOf, makeFile, seal } from "./evidence-file.test.support.ts"
import {
  ed25519Writer,
  logKey,
  origin,
  TestLog,
  type TestStream,
  witnessOf,
} from "./evidence-log.test.support.ts"
import { makeVectors } from "./evidence-vectors.test.support.ts"
import { checkEvidence, type EvidenceVerdict, EvidenceWriter, type Verdict } from "./index.ts"

const witness = witnessOf("witness.example/a", 21)
const alone = parsePolicy(`log ${logKey.vkey}\nquorum none\n`)
const witnessed = parsePolicy(`log ${logKey.vkey}\nwitness a ${witness.witnessVkey}\nquorum a\n`)

/** The better a verdict, the more it says. */
const ranks: Record<Verdict, number> = {
  UNKNOWN: 0,
  INVALID: 0,
  "SIGNED-ONLY": 1,
  WITNESSED: 2,
  "FORK-EVIDENCE": 3,
}

interface Made {
  readonly log: TestLog
  readonly stream: TestStream
  readonly note: string
}

/** A log in which one writer sends batches of these sizes. */
async function logOf(sizes: readonly number[]): Promise<Made> {
  const log = new TestLog()
  log.start()
  const stream = log.open("spiffe://example/app", "c3".repeat(16), ed25519Writer(40))
  for (const size of sizes) log.batch(stream, size)
  log.beat(stream)
  return { log, stream, note: await log.checkpoint(log.size, [witness]) }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 })

describe("checkEvidence", () => {
  test("any set of entries of any log verifies, and the leaves are those that were asked for", async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.uniqueArray(fc.nat({ max: 600 }), { minLength: 1 }),
        async (batches, some) => {
          const { log, note } = await logOf(batches)
          const leaves = [...new Set(some.map((index) => index % log.size))].sort((a, b) => a - b)
          const file = await makeFile(log, { kind: "set", claim: {}, leaves, note })
          const given: (readonly [number, Uint8Array])[] = []
          const found = await checkEvidence(file, witnessed, {
            onLeaf: ({ index, leaf }) => void given.push([index, leaf]),
          })
          expect(found).toMatchObject({ verdict: "WITNESSED", findings: [] })
          expect(given).toEqual(leaves.map((index) => [index, log.leaves[index]]))
          expect(found.senders.map(({ index }) => index)).toEqual(leaves)
          expect(found.counts).toMatchObject({ leaves: leaves.length, unknown: 0 })
        },
      ),
      { numRuns: 60 },
    )
  })

  test("any range of any log verifies, in any tree that holds it", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), fc.nat(), async (batches, a, b, c) => {
        const { log } = await logOf(batches)
        const first = a % log.size
        const count = 1 + (b % (log.size - first))
        const size = first + count + (c % (log.size - first - count + 1))
        const note = await log.checkpoint(size)
        const leaves = Array.from({ length: count }, (_, i) => first + i)
        const claim = { first, count }
        const file = await makeFile(log, { kind: "range", claim, leaves, note, size })
        const found = await checkEvidence(file, alone)
        expect(found).toMatchObject({ verdict: "SIGNED-ONLY", findings: [], claim })
      }),
      { numRuns: 60 },
    )
  })

  test("any whole stream that ends in a signature is its writer's, whatever its batches", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (batches) => {
        const { log, stream, note } = await logOf(batches)
        const leaves = Array.from({ length: log.size - 2 }, (_, i) => i + 2)
        const claim = { open: stream.open, first: 0, next: stream.next }
        const plan = { kind: "stream", claim, leaves, batches: stream.rows, note } as const
        const found = await checkEvidence(await makeFile(log, plan), alone)
        expect(found).toMatchObject({ verdict: "SIGNED-ONLY", numberedBy: "writer" })
        expect(found.counts).toMatchObject({ writerSigned: stream.next, portAsserted: 1 })
      }),
      { numRuns: 30 },
    )
  })

  test("takes a file in parts of any size, packed or not", async () => {
    const { log, note } = await logOf([20, 30])
    const file = await makeFile(log, { kind: "set", claim: {}, leaves: [3, 30, 31], note })
    for (const bytes of [file, gzipSync(file)]) {
      for (const size of [1, 2, 7, 100, 1000, bytes.length]) {
        const found = await checkEvidence(partsOf(bytes, size), witnessed)
        expect(found.verdict, `parts of ${size}`).toBe("WITNESSED")
      }
    }
  })

  test("hands on what reading the file throws", async () => {
    async function* broken() {
      yield encodeUtf8('{"postern"')
      throw new Error("the disk is gone")
    }
    await expect(checkEvidence(broken(), alone)).rejects.toThrow("the disk is gone")
    async function* brokenLater() {
      yield gzipSync(Buffer.alloc(100_000)).subarray(0, 60)
      throw new Error("the disk is gone")
    }
    await expect(checkEvidence(brokenLater(), alone)).rejects.toThrow("the disk is gone")
  })

  test("a policy that names no log is a mistake of the caller", async () => {
    const nobody = { ...alone, logs: [] }
    await expect(checkEvidence(new Uint8Array(0), nobody)).rejects.toMatchObject({
      code: "POLICY_INVALID",
    })
  })
})

function* partsOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe("a changed file", () => {
  /** Good files of every kind, unpacked, with what they are worth. */
  const good: { readonly bytes: Uint8Array; readonly before: EvidenceVerdict }[] = []
  let policy: typeof alone

  beforeAll(async () => {
    const { files, policies, vectors } = await makeVectors()
    policy = parsePolicy(policies.quorum as string)
    const names = ["set", "set-one-witness", "range", "stream", "stream-p256", "fork"]
    for (const name of [...names, "disclosed-stream", "stream-renewed"]) {
      const vector = vectors.find(({ file }) => file === `${name}.postern.ndjson`)
      const bytes = files.get(vector?.file ?? "") as Uint8Array
      good.push({ bytes, before: await checkEvidence(bytes, policy) })
    }
  })

  async function expectNoBetter(changed: Uint8Array, before: EvidenceVerdict): Promise<void> {
    const after = await checkEvidence(changed, policy)
    expect(ranks[after.verdict]).toBeLessThanOrEqual(ranks[before.verdict])
    expect(after.counts.writerSigned).toBeLessThanOrEqual(before.counts.writerSigned)
    expect(after.findings.length > 0).toBe(ranks[after.verdict] === 0)
  }

  const which = fc.nat({ max: 7 })

  test("by any byte is worth nothing", async () => {
    await fc.assert(
      fc.asyncProperty(which, fc.nat(), fc.integer({ min: 1, max: 255 }), async (i, at, bits) => {
        const { bytes } = good[i] as (typeof good)[number]
        const changed = bytes.slice()
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ bits
        expect((await checkEvidence(changed, policy)).verdict).toBe("INVALID")
      }),
      { numRuns: 400 },
    )
  })

  test("by a byte of its lines, sealed anew, is worth no more", async () => {
    await fc.assert(
      fc.asyncProperty(
        which,
        fc.nat(),
        fc.nat(),
        fc.string({ maxLength: 3 }),
        async (i, line, at, text) => {
          const { bytes, before } = good[i] as (typeof good)[number]
          const lines = linesOf(bytes)
          const old = lines[line % lines.length] as string
          const place = at % (old.length + 1)
          const changed = `${old.slice(0, place)}${text}${old.slice(place + 1)}`
          await expectNoBetter(seal(lines.with(line % lines.length, changed)), before)
        },
      ),
      { numRuns: 400 },
    )
  })

  test("by lines left out, repeated, moved or taken from another file is worth no more", async () => {
    await fc.assert(
      fc.asyncProperty(
        which,
        which,
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 3 }),
        async (i, j, a, b, how) => {
          const { bytes, before } = good[i] as (typeof good)[number]
          const lines = linesOf(bytes)
          const other = linesOf((good[j] as (typeof good)[number]).bytes)
          const [from, to] = [a % lines.length, b % lines.length]
          const line = lines[from] as string
          const changed = [
            () => lines.toSpliced(from, 1),
            () => lines.toSpliced(to, 0, line),
            () => lines.toSpliced(from, 1).toSpliced(to, 0, line),
            () => lines.with(to, other[a % other.length] as string),
          ][how]?.()
          const best = (good[j] as (typeof good)[number]).before
          const most = ranks[best.verdict] > ranks[before.verdict] ? best : before
          await expectNoBetter(seal(changed ?? []), { ...most, counts: before.counts })
        },
      ),
      { numRuns: 400 },
    )
  })

  test("cut anywhere is worth nothing", async () => {
    const { bytes } = good[0] as (typeof good)[number]
    for (let length = 0; length < bytes.length; length += 13) {
      expect((await checkEvidence(bytes.subarray(0, length), policy)).verdict).toBe("INVALID")
    }
    const packed = gzipSync(bytes)
    for (let length = 0; length < packed.length; length += 29) {
      expect((await checkEvidence(packed.subarray(0, length), policy)).verdict).toBe("INVALID")
    }
  })

  test("is judged without an exception, whatever the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await checkEvidence(bytes, policy)).verdict).toBe("INVALID")
        const gzip = concatBytes(Uint8Array.of(0x1f, 0x8b), bytes)
        expect((await checkEvidence(gzip, policy)).verdict).toBe("INVALID")
        const packed = gzipSync(concatBytes(encodeUtf8('{"postern":"evidence@v1",'), bytes))
        expect((await checkEvidence(packed, policy)).verdict).toBe("INVALID")
      }),
      { numRuns: 200 },
    )
  })
})

describe("limits", () => {
  async function fileOf(lines: (writer: EvidenceWriter) => Promise<void>): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    const writer = new EvidenceWriter((line) => void parts.push(line))
    await lines(writer)
    return concatBytes(...parts)
  }

  test("a file beyond them is UNKNOWN, not INVALID", async () => {
    const { log, note } = await logOf([9])
    const leaves = [2, 3, 4, 5]
    const file = await makeFile(log, { kind: "set", claim: {}, leaves, note })
    for (const limits of [{ leavesMax: 3 }, { lineBytesMax: 200 }, { bytesMax: 1000 }]) {
      const found = await checkEvidence(file, alone, { limits })
      expect(found).toMatchObject({ verdict: "UNKNOWN", findings: [{ code: "limit" }] })
    }
    const fits = { leavesMax: 4, lineBytesMax: 1000, bytesMax: file.length }
    expect((await checkEvidence(file, alone, { limits: fits })).verdict).toBe("SIGNED-ONLY")
  })

  test("a small file that unpacks to a large one is given up where it is too large", async () => {
    const head = await fileOf((writer) => {
      return writer.head({ origin, evidence: "set", claim: {}, count: 1 })
    })
    const bomb = gzipSync(concatBytes(head, new Uint8Array(50_000_000).fill(0x20)))
    expect(bomb.length).toBeLessThan(100_000)
    const limits = { bytesMax: 1_000_000 }
    const found = await checkEvidence(bomb, alone, { limits })
    expect(found).toMatchObject({ verdict: "UNKNOWN", findings: [{ code: "limit" }] })
    const long = await checkEvidence(bomb, alone)
    expect(long.findings).toEqual([{ code: "limit", where: "line 2", what: "over 131072 bytes" }])
  })

  test("more hashes than any tree needs are not even collected", async () => {
    const { log, note } = await logOf([9])
    const path = Array.from({ length: 3000 }, () => new Uint8Array(32))
    const file = await fileOf(async (writer) => {
      await writer.head({ origin, evidence: "set", claim: {}, count: 1 })
      await writer.note(note)
      await writer.leaf(3, log.leaves[3] as Uint8Array)
      await writer.path(path)
      await writer.end()
    })
    const found = await checkEvidence(file, alone)
    expect(found.findings).toMatchObject([{ code: "tree", where: "line 4" }])
  })
})
