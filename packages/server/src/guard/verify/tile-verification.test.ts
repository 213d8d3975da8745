import { encodeUtf8, PosternError } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import { describe, expect, test } from "vitest"
import { type TileReport, verifyTiles } from "./index.ts"
import { entriesOf, type PublishedLog, publish } from "./tiles.test.support.ts"
import { createKey, origin } from "./written-log.test.support.ts"

const key = createKey(origin)
const { vkey } = key
const sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 700]

function codes(report: TileReport): string[] {
  return [...new Set(report.findings.map(({ code }) => code))]
}

/** The same log behind a reader that may see hashes only. */
function forMonitors(log: PublishedLog): PublishedLog {
  const tile = async (path: string) => {
    if (path.startsWith("tile/entries/")) throw new PosternError("NOT_GRANTED")
    return log.tile(path)
  }
  return { ...log, tile }
}

async function damaged(size: number, damage: (log: PublishedLog) => void): Promise<TileReport> {
  const log = await publish(entriesOf(size), key)
  damage(log)
  return verifyTiles(log, { vkey })
}

function flip(log: PublishedLog, path: string, at: number): void {
  const bytes = new Uint8Array(log.files.get(path) as Uint8Array)
  bytes[at] = (bytes[at] as number) ^ 0x80
  log.files.set(path, bytes)
}

describe("a published log", () => {
  test("of every shape is verified, entry by entry", async () => {
    for (const size of sizes) {
      const log = await publish(entriesOf(size), key)
      const report = await verifyTiles(log, { vkey })
      expect(report, `size ${size}`).toMatchObject({ verified: true, size, saw: "entries" })
      expect(report.checks.find(({ name }) => name === "leaves")?.checked).toBe(size)
      expect(report.checkpoint).toBe(log.note)
    }
  })

  test("with three levels of tiles is verified", async () => {
    const log = await publish(entriesOf(65_536 + 257), key)
    const report = await verifyTiles(forMonitors(log), { vkey })
    expect(report).toMatchObject({ verified: true, saw: "hashes" })
    // 258 tiles of level 0, two of level 1, one of level 2.
    expect(report.checks.find(({ name }) => name === "tiles")?.checked).toBe(261)
  })

  test("is verified by its hashes alone if entries are not shown", async () => {
    for (const size of sizes) {
      const report = await verifyTiles(forMonitors(await publish(entriesOf(size), key)), { vkey })
      expect(report, `size ${size}`).toMatchObject({ verified: true, size, saw: "hashes" })
      expect(report.checks.find(({ name }) => name === "leaves")).toBeUndefined()
    }
  })

  test("whose first bundles went by rule is verified, if an entry says so", async () => {
    const said = (to: number): Uint8Array => {
      const stamp = formatStamp({
        ...{ received: 2, open: 0, sequence: 700, nonce: new Uint8Array(16), changed: 0 },
      })
      const event = { action: "postern.retention.pruned", data: { to, root: "r" } }
      return encodeUtf8(`${stamp}\n${JSON.stringify(event)}`)
    }
    for (const [to, expected] of [
      [300, []],
      [512, []],
      [256, ["bundle-missing"]],
      [0, ["bundle-missing"]],
    ] as const) {
      const entries = [...entriesOf(600), ...(to === 0 ? [] : [said(to)])]
      const log = await publish(entries, key)
      for (const index of ["000", "001"]) log.files.delete(`tile/entries/${index}`)
      const report = await verifyTiles(log, { vkey })
      expect([to, codes(report)]).toEqual([to, expected])
      expect(report.verified).toBe(expected.length === 0)
    }
  })

  test("may have lost partial tiles to full ones", async () => {
    const whole = await publish(entriesOf(512), key)
    const part = await publish(entriesOf(300), key)
    part.files.delete("tile/0/001.p/44")
    part.files.delete("tile/entries/001.p/44")
    const tile = (path: string) => part.tile(path).catch(() => whole.tile(path))
    expect(await verifyTiles({ ...part, tile }, { vkey })).toMatchObject({ verified: true })
  })

  test("that cannot be reached is an error and no report", async () => {
    const log = await publish(entriesOf(700), key)
    const tile = async (path: string) => {
      if (path.endsWith("002.p/188")) throw new PosternError("UNREACHABLE")
      return log.tile(path)
    }
    await expect(verifyTiles({ ...log, tile }, { vkey })).rejects.toThrow("cannot be reached")
  })
})

describe("a published log that was changed", () => {
  test("in an entry names the entry", async () => {
    const report = await damaged(700, (log) => flip(log, "tile/entries/001", 5000))
    expect(codes(report)).toContain("leaf-hash")
    expect(report.findings.find(({ code }) => code === "leaf-hash")?.where).toMatch(/^entry \d+$/)
    expect(report.checks.find(({ name }) => name === "root")?.status).toBe("ok")
  })

  test("in a tile of any level names the tile", async () => {
    const bottom = await damaged(700, (log) => flip(log, "tile/0/001", 40))
    expect(codes(bottom).sort()).toEqual(["leaf-hash", "root", "tile-hash"])
    const edge = await damaged(700, (log) => flip(log, "tile/0/002.p/188", 40))
    expect(codes(edge).sort()).toEqual(["leaf-hash", "root"])
    const above = await damaged(700, (log) => flip(log, "tile/1/000.p/2", 3))
    expect(above.findings).toMatchObject([{ code: "tile-hash", where: "tile 1/0" }])
  })

  test("in a way that only the root shows is found", async () => {
    const other = await publish(entriesOf(300, 1), key)
    const report = await damaged(300, (log) => {
      for (const [path, bytes] of other.files) log.files.set(path, bytes)
    })
    expect(codes(report)).toEqual(["root"])
  })

  test("in its checkpoint has no other thing to go by", async () => {
    const report = await damaged(300, (log) => {
      log.note = log.note.replace("\n300\n", "\n299\n")
    })
    expect(codes(report)).toEqual(["checkpoint-signature"])
    expect(report.checkpoint).toBeUndefined()
    const garbage = await damaged(300, (log) => {
      log.note = "nothing"
    })
    expect(codes(garbage)).toEqual(["checkpoint-signature"])
    expect(garbage.checks.filter(({ status }) => status === "ok")).toEqual([])
  })

  test("by taking a tile or a bundle away is found", async () => {
    const tile = await damaged(700, (log) => log.files.delete("tile/0/001"))
    expect(codes(tile)).toEqual(["tile-missing"])
    const bundle = await damaged(700, (log) => log.files.delete("tile/entries/001"))
    expect(codes(bundle)).toEqual(["bundle-missing"])
    const both = await damaged(700, (log) => {
      log.files.delete("tile/0/001")
      log.files.delete("tile/entries/001")
    })
    expect(both.checks.find(({ name }) => name === "root")?.status).toBe("unknown")
    const above = await damaged(700, (log) => log.files.delete("tile/1/000.p/2"))
    expect(above.findings).toMatchObject([{ code: "tile-missing", where: "tile 1/0" }])
  })

  test("by cutting a tile or a bundle short is found", async () => {
    const short = (path: string, bytes: number) => (log: PublishedLog) =>
      log.files.set(path, (log.files.get(path) as Uint8Array).subarray(0, -bytes))
    expect(codes(await damaged(300, short("tile/0/001.p/44", 32)))).toEqual(["tile-missing"])
    expect(codes(await damaged(300, short("tile/entries/000", 1)))).toEqual(["bundle-missing"])
  })

  test("in a stamp is found, though the tree is right", async () => {
    const entries = entriesOf(10)
    entries[5] = entries[4] as Uint8Array
    const repeated = await verifyTiles(await publish(entries, key), { vkey })
    expect(repeated.findings).toMatchObject([{ code: "stamp", where: "entry 5" }])
    entries[5] = new Uint8Array(3)
    const none = await verifyTiles(await publish(entries, key), { vkey })
    expect(none.findings).toMatchObject([{ code: "stamp", what: "it has no stamp" }])
  })
})

describe("the checkpoint of the last time", () => {
  const all = [1, 2, 200, 255, 256, 257, 300, 511, 512, 513, 699, 700]

  test("is found in the log at every size", async () => {
    const entries = entriesOf(700)
    const log = await publish(entries, key)
    for (const size of all) {
      const { note: remembered } = await publish(entries.slice(0, size), key)
      const report = await verifyTiles(log, { vkey, remembered })
      expect(report, `size ${size}`).toMatchObject({ verified: true, findings: [] })
      expect(report.checks.find(({ name }) => name === "consistency")?.checked).toBe(1)
    }
  })

  test("of another history is not, at any size", async () => {
    const log = await publish(entriesOf(700), key)
    for (const size of all) {
      const { note: remembered } = await publish(entriesOf(size, 1), key)
      const report = await verifyTiles(log, { vkey, remembered })
      expect(codes(report), `size ${size}`).toEqual(["fork"])
    }
  })

  test("that is larger shows a log that was rolled back", async () => {
    const { note: remembered } = await publish(entriesOf(701), key)
    const report = await verifyTiles(await publish(entriesOf(700), key), { vkey, remembered })
    expect(codes(report)).toEqual(["rolled-back"])
  })

  test("with another signature is nothing to go by", async () => {
    const { note: remembered } = await publish(entriesOf(7), createKey(origin))
    const report = await verifyTiles(await publish(entriesOf(700), key), { vkey, remembered })
    expect(codes(report)).toEqual(["remembered-signature"])
  })
})
