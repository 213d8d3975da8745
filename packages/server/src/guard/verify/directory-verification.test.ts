import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { signNote } from "@postern/log/tlog"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type BatchRow, walkSlots } from "../../disk/index.ts"
import { type Report, verifyDirectory } from "./index.ts"
import { writeSoundLog } from "./sound-log.test.support.ts"
import { createKey, origin, WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-verify-"))
let sound: WrittenLog
let count = 0

beforeAll(async () => {
  sound = await writeSoundLog(join(base, "sound"))
})
afterAll(async () => {
  await sound.close()
  rmSync(base, { recursive: true })
})

function codes(report: Report): string[] {
  return [...new Set(report.findings.map(({ code }) => code))]
}

/** A log of a port that lies in one thing; everything else is consistent, signatures included. */
async function verifyLiar(write: (log: WrittenLog, open: number) => void | Promise<void>) {
  const log = await WrittenLog.open(join(base, `liar-${count++}`))
  try {
    await log.started()
    const open = log.opened(true)
    await log.commit()
    log.events(open, 3)
    await write(log, open)
    await log.commit()
    log.own("postern.stopped", {})
    await log.commit()
    await log.checkpoint()
    return await verifyDirectory(log.path, { vkey: log.log.vkey, full: true })
  } finally {
    await log.close()
  }
}

describe("a sound log", () => {
  test("is verified in every check, while its writer holds it", async () => {
    const report = await verifyDirectory(sound.path, { vkey: sound.log.vkey, full: true })
    expect(report.findings).toEqual([])
    expect(report.checks.filter(({ status }) => status !== "ok")).toEqual([])
    expect(report).toMatchObject({ verified: true, size: sound.size, findingsTotal: 0 })
    const checked = Object.fromEntries(report.checks.map((check) => [check.name, check.checked]))
    expect(checked).toMatchObject({
      segments: 3,
      frontiers: 3,
      slots: 13,
      tree: 1339,
      stamps: 1339,
    })
    expect(checked).toMatchObject({ nonces: 1339, streams: 5, offsets: 7, hashes: 1344 })
    expect(checked).toMatchObject({ receipts: 11, "receipt-signatures": 11, checkpoint: 1 })
    expect(report.facts).toEqual({ starts: 2, refusedEvents: 3, gaps: 2, lostEvents: 9 })
  })

  test("is verified in samples: all receipts behind the checkpoint, few before it", async () => {
    const options = { vkey: sound.log.vkey, chance: () => 0.5 }
    const report = await verifyDirectory(sound.path, options)
    expect(report.verified).toBe(true)
    const checked = Object.fromEntries(report.checks.map((check) => [check.name, check.checked]))
    expect(checked).toMatchObject({ receipts: 11, "receipt-signatures": 1, nonces: 0 })
    const lucky = await verifyDirectory(sound.path, { ...options, chance: () => 0 })
    expect(lucky.checks.find(({ name }) => name === "receipt-signatures")?.checked).toBe(11)
  })

  test("without a verifier key has unknown signatures, which is not verified", async () => {
    const report = await verifyDirectory(sound.path)
    expect(report).toMatchObject({ verified: false, findings: [] })
    const unknown = report.checks.filter(({ status }) => status === "unknown")
    expect(unknown.map(({ name }) => name)).toEqual(["receipt-signatures", "checkpoint-signature"])
  })

  test("under another verifier key is refused", async () => {
    const { vkey } = createKey(origin)
    const report = await verifyDirectory(sound.path, { vkey, full: true })
    expect(codes(report).sort()).toEqual([
      "checkpoint-signature",
      "receipt-certificate",
      "receipt-key",
    ])
  })

  test("tells how far it has come", async () => {
    const seen: [number, number][] = []
    await verifyDirectory(sound.path, { progress: (...state) => seen.push(state) })
    expect(seen.length).toBe(13)
    expect(seen.at(-1)).toEqual([sound.size, sound.size])
  })

  test("that grows meanwhile is verified up to the head that was read first", async () => {
    const log = await WrittenLog.open(join(base, "growing"))
    await log.started()
    const open = log.opened(true)
    await log.commit()
    log.events(open, 20)
    await log.commit()
    await log.checkpoint()
    const { size } = log
    let grown: Promise<void> | undefined
    const progress = () => {
      grown ??= (async () => {
        log.events(open, 600)
        await log.commit()
        await log.roll()
        log.events(open, 5)
        await log.commit()
        await log.checkpoint()
      })()
    }
    const report = await verifyDirectory(log.path, { vkey: log.log.vkey, progress })
    await grown
    expect(report).toMatchObject({ verified: true, size })
    expect((await verifyDirectory(log.path, { vkey: log.log.vkey })).size).toBe(log.size)
    await log.close()
  })

  test("may lack a receipt where the port was killed as it began a segment", async () => {
    const log = await WrittenLog.open(join(base, "killed"))
    await log.started()
    await log.commit()
    await log.roll()
    log.forgetReceipt()
    await log.started()
    await log.commit()
    log.own("postern.stopped", {})
    await log.commit()
    await log.checkpoint()
    const report = await verifyDirectory(log.path, { vkey: log.log.vkey })
    expect(report).toMatchObject({ verified: true, facts: { receiptsNotKept: 1 } })
    await log.close()
  })

  test("without an entry is unknown, not verified", async () => {
    const log = await WrittenLog.open(join(base, "empty"))
    const report = await verifyDirectory(log.path, { vkey: log.log.vkey })
    expect(report).toMatchObject({ verified: false, findings: [], size: 0 })
    await log.close()
  })

  test("is not what every directory is", async () => {
    await expect(verifyDirectory(base)).rejects.toMatchObject({ code: "NOT_FOUND" })
    const log = join(base, "foreign")
    cpSync(sound.path, log, { recursive: true })
    writeFileSync(join(log, "log.json"), '{"postern":"log@v9","origin":"x"}')
    await expect(verifyDirectory(log)).rejects.toMatchObject({ code: "LOG_FORMAT" })
  })
})

describe("a port that lies", () => {
  const row = (alter: (row: BatchRow) => BatchRow) => verifyLiar((log) => log.alterRow(alter))

  test("in a row of the batch table is found", async () => {
    expect(codes(await row((one) => ({ ...one, accepted: 2 })))).toEqual(["batch-range"])
    expect(codes(await row((one) => ({ ...one, first: 3 })))).toEqual(["batch-range"])
    expect(codes(await row((one) => ({ ...one, kind: 9 })))).toContain("batch-kind")
    expect(codes(await row((one) => ({ ...one, received: 7 })))).toEqual(["stamp"])
    expect(codes(await row((one) => ({ ...one, changed: 1 })))).toEqual(["stamp"])
    expect(codes(await row((one) => ({ ...one, seed: new Uint8Array(16) })))).toEqual(["nonce"])
    const digest = await row((one) => ({ ...one, digest: new Uint8Array(32) }))
    expect(codes(digest)).toEqual(["stream-digest"])
    const open = await row((one) => ({ ...one, open: 0 }))
    expect(codes(open)).toEqual(["stamp", "stream-unknown"])
  })

  test("in what it says that the policy changed is found", async () => {
    const one = (changed: number, c: number) =>
      verifyLiar((log, open) => {
        log.batch(open, ['{"id":"a"}'])
        log.alterRow((row) => ({ ...row, changed }))
        log.alterLeaf((text) => text.replace('"}\n', `","c":${c}}\n`))
      })
    for (const changed of [0, 1, 2, 3]) {
      expect((await one(changed, changed + 4)).findings).toEqual([])
      expect(codes(await one(changed, changed + 5))).toEqual(["stamp"])
    }
    expect((await one(3, 3)).findings).toEqual([])
    expect(codes(await one(4, 4))).toEqual(["batch-kind"])
    // What was sent is not in the log, so nothing is recomputed from it; a stamp without `c` says that it is.
    const other = (c: string) =>
      verifyLiar((log) => log.alterLeaf((text) => text.replace('"}\n{', `"${c}}\n{"_policy":{},`)))
    expect((await other(',"c":4')).findings).toEqual([])
    expect(codes(await other(""))).toEqual(["stream-digest"])
  })

  test("about a sequence is found", async () => {
    const skipped = await row((one) => ({ ...one, sequence: 1 }))
    expect(codes(skipped)).toEqual(["stamp-sequence", "nonce", "stream-hole"])
    const fewer = await row((one) => ({ ...one, events: 2, accepted: 2 }))
    expect(codes(fewer)).toEqual(["batch-range"])
    const repeat = await verifyLiar((log, open) => {
      const stream = log.streams.get(open)
      if (stream !== undefined) stream.next = 0
      log.events(open, 3)
    })
    expect(codes(repeat)).toEqual(["stream-repeat"])
  })

  test("in a stamp is found", async () => {
    const leaf = (alter: (leaf: string) => string) => verifyLiar((log) => log.alterLeaf(alter))
    const stamps = [
      ['"q":2', '"q":02'],
      ['"q":2', '"q":'],
      ['"q":2', '"q":2222222222222222'],
      ['"n":"', '"n":"*'],
      ['"n":', '"N":'],
      ["}\n", ',"c":1}\n'],
      ["\n", ""],
      ["{", " {"],
    ] as const
    for (const [from, to] of stamps) {
      const report = await leaf((text) => text.replace(from, to))
      expect(codes(report), to).toEqual(["stamp"])
    }
    expect(codes(await leaf((text) => text.replace('"q":2', '"q":3')))).toEqual(["stamp-sequence"])
    expect(codes(await leaf((text) => text.replace('"q":2', '"q":1')))).toEqual(["stamp-sequence"])
  })

  test("about a stream is found", async () => {
    const closed = await verifyLiar((log, open) => {
      log.own("postern.stream.closed", { open, next: 3 })
      log.events(open, 1)
    })
    expect(codes(closed)).toEqual(["stream-unknown"])
    const wrong = await verifyLiar((log, open) => {
      log.own("postern.stream.closed", { open, next: 4 })
    })
    expect(codes(wrong)).toEqual(["stream-hole"])
    const never = await verifyLiar((log) => {
      log.own("postern.stream.closed", { open: 77, next: 0 })
    })
    expect(codes(never)).toEqual(["stream-unknown"])
    const silent = await verifyLiar((log, open) => log.gap(open, 5, false))
    expect(codes(silent)).toEqual(["gap-unrecorded"])
    const invented = await verifyLiar((log, open) => {
      log.own("postern.stream.gap", { open, sequence: 3, count: 5 })
    })
    expect(codes(invented)).toEqual(["gap-unexplained"])
    const unreadable = await verifyLiar((log) => {
      log.own("postern.stream.opened", { stream: "x", framed: true })
    })
    expect(codes(unreadable)).toEqual(["own-entry"])
  })

  test("about its own stream is found", async () => {
    const report = await verifyLiar((log) => {
      log.own("postern.config.loaded", {})
      log.alterRow((one) => ({ ...one, sequence: 5 }))
    })
    expect(codes(report)).toEqual(["stamp-sequence", "own-stream"])
  })

  test("in a receipt is found", async () => {
    const signing = (sign: (text: string, log: WrittenLog) => Promise<string>) =>
      verifyLiar((log) => {
        log.signReceiptText = (text) => sign(text, log)
      })
    const by = (log: WrittenLog) => log.receipts.signer
    const range = await signing((text, log) => signNote(text.replace(" 3\n", " 2\n"), by(log)))
    expect(codes(range)).toEqual(["receipt-range"])
    const other = await signing((text, log) => signNote(text.replace(origin, "other/log"), by(log)))
    expect(codes(other)).toContain("receipt-range")
    const root = await signing((text, log) => {
      const lines = text.split("\n")
      lines[3] = `${"A".repeat(43)}=`
      return signNote(lines.join("\n"), by(log))
    })
    expect(codes(root)).toEqual(["receipt-root"])
    const key = await signing((text, log) => signNote(text, createKey(by(log).name).signer))
    expect(codes(key)).toEqual(["receipt-signature"])
    expect(codes(await signing(async () => "no note"))).toEqual(["receipt-syntax"])
    expect(codes(await signing(async () => ""))).toEqual(["receipt-missing"])
  })

  test("about the key of its receipts is found", async () => {
    const named = await verifyLiar((log) => log.started({ receiptKey: createKey("x").vkey }))
    expect(codes(named)).toEqual(["receipt-key"])
    const again = await verifyLiar(async (log) => {
      const { receipts } = log
      log.receipts = createKey(receipts.signer.name)
      await log.started({ receiptKey: receipts.vkey })
    })
    expect(codes(again)).toEqual(["receipt-key"])
    const foreign = await verifyLiar(async (log) => {
      log.receipts = createKey(log.receipts.signer.name)
      const certifier = log.log
      log.log = createKey(origin)
      await log.started()
      log.log = certifier
    })
    expect(codes(foreign)).toEqual(["receipt-certificate", "receipt-signature"])
  })
})

describe("any byte", () => {
  test("of a slot, of hashes, offsets, head or checkpoint that changes is found", async () => {
    const places: { file: string; from: number; to: number }[] = []
    for (const name of ["0000000000000000", "0000000000000313", "0000000000000723"]) {
      const file = `segments/${name}.seg`
      for await (const { at, header } of walkSlots(join(sound.path, file))) {
        const used = 256 + header.recordsBytes + header.batches * 104 + header.receiptBytes
        places.push({ file, from: at, to: at + used })
      }
    }
    for (const file of ["hashes/0", "hashes/1", "head", "checkpoint"]) {
      places.push({ file, from: 0, to: readFileSync(join(sound.path, file)).length })
    }
    const path = join(base, "any")
    cpSync(sound.path, path, { recursive: true })
    for (const { file, to } of places) {
      if (file.endsWith(".seg")) truncateSync(join(path, file), to + ((4096 - (to % 4096)) % 4096))
    }
    const place = fc.constantFrom(...places).chain(({ file, from, to }) => {
      const at = fc.integer({ min: from, max: to - 1 })
      return fc.record({ file: fc.constant(file), at, bit: fc.integer({ min: 0, max: 7 }) })
    })
    await fc.assert(
      fc.asyncProperty(place, async ({ file, at, bit }) => {
        const bytes = readFileSync(join(path, file))
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] as number) ^ (1 << bit)
        writeFileSync(join(path, file), changed)
        const report = await verifyDirectory(path, { vkey: sound.log.vkey })
        writeFileSync(join(path, file), bytes)
        expect(report.findingsTotal).toBeGreaterThan(0)
      }),
      { numRuns: 40 },
    )
  })
})
