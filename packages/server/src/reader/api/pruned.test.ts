import { encodeUtf8 } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { type Head, type KeptEntry, prunedError } from "../../disk/index.ts"
import { openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"

/** A log of 600 entries that begins at entry 300; the openings of its streams were kept. */
class PrunedLog extends FakeLog {
  minimum = 0
  readonly opened = new Set<number>()

  override head(): Head {
    return { ...super.head(), minimum: this.minimum }
  }

  override kept(): readonly KeptEntry[] {
    return [...this.opened].map((index) => ({ index, leaf: this.all[index] as Uint8Array }))
  }

  override async leaves(from: number, to: number, bytesMax?: number): Promise<Uint8Array[]> {
    for (let index = from; index < Math.min(to, this.minimum); index++) {
      if (!this.opened.has(index)) throw prunedError(index, this.minimum)
    }
    return super.leaves(from, to, bytesMax)
  }
}

async function openPruned() {
  const log = new PrunedLog()
  log.fill(1)
  log.fill(600 - log.all.length)
  await log.publish(600)
  for (const [index, leaf] of log.all.entries()) {
    if (Buffer.from(leaf).includes('"postern.')) log.opened.add(index)
  }
  log.minimum = 300
  return { ...openDesk(log), log }
}

describe("below the minimum", () => {
  test("an entry is said to have been removed by rule, and why", async () => {
    const { json } = await openPruned()
    const problem = await json("/v1/entries/299", 410)
    expect(problem).toMatchObject({ code: "ENTRY_PRUNED", status: 410 })
    expect(JSON.stringify(problem)).toContain("the log begins at 300")
    expect(problem.hint).toContain("retention")
    await json("/v1/entries/300")
  })

  test("bundles are not given, from the one on that is not whole; hashes are", async () => {
    const { ask, json } = await openPruned()
    for (const path of ["tile/entries/000", "tile/entries/001"]) {
      expect(await json(`/${path}`, 410)).toMatchObject({ code: "ENTRY_PRUNED" })
    }
    expect((await ask("/tile/entries/002.p/88")).status).toBe(200)
    for (const path of ["tile/0/000", "tile/0/001", "tile/1/000.p/2", "checkpoint"]) {
      expect((await ask(`/${path}`)).status).toBe(200)
    }
  })

  test("lists and searches begin where the log does, and say so", async () => {
    const { json } = await openPruned()
    const list = await json("/v1/entries?from=10&limit=5")
    expect(list.from).toBe(300)
    expect(list.entries.map(({ index }: { index: number }) => index)).toEqual([
      ...[300, 301, 302, 303, 304],
    ])
    for (const scan of ["", "&scan=1"]) {
      const found = await json(`/v1/search?q=&order=asc&limit=3${scan}`)
      expect(found.scanned.from).toBe(300)
      expect(found.entries[0].index).toBe(300)
    }
    const counts = await json("/v1/histogram?q=")
    expect(counts.examined.from).toBe(300)
    expect((await json("/v1/log")).minimum).toBe(300)
  })

  test("completeness is not claimed up to what went, and is behind it", async () => {
    const { json } = await openPruned()
    const whole = await json("/v1/search?q=&order=asc&limit=1000&prove=1")
    expect(whole.completeness).toMatchObject({ kind: "none" })
    expect(whole.completeness.reason).toContain("begins at entry 300")
  })

  test("who has seen some of it is told of the hole; who wants all gets what there is", async () => {
    const { json, ask } = await openPruned()
    expect(await json("/v1/tail?after=100", 410)).toMatchObject({ code: "ENTRY_PRUNED" })
    const whole = await ask("/v1/tail?after=-1")
    const reader = whole.body?.getReader()
    const first = Buffer.from((await reader?.read())?.value ?? encodeUtf8("")).toString()
    expect(first).not.toContain("ENTRY_PRUNED")
    await reader?.cancel()
  })
})
