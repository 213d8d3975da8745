import { concatBytes } from "@postern/log/base"
import { decodeEntryBundle, tilePath, tilesAt } from "@postern/log/tlog"
import { describe, expect, it } from "vitest"
import { openDesk } from "./api.test.support.ts"
import { FakeLog, naiveRoot } from "./fake-log.test.support.ts"

/** A published log of exactly `size` entries. */
async function logOf(size: number): Promise<FakeLog> {
  const log = new FakeLog()
  if (size > 1) log.fill(1)
  if (size > log.all.length) log.fill(size - log.all.length)
  await log.publish(size)
  return log
}

/** Hashes of a tile by the definition in tlog-tiles, from the leaves alone. */
function naiveTile(log: FakeLog, level: number, index: number, width: number): Uint8Array {
  const span = 256 ** level
  const nodes = Array.from({ length: width }, (_, i) => {
    const from = (index * 256 + i) * span
    return naiveRoot(log.leafHashes.slice(from, from + span))
  })
  return concatBytes(...nodes)
}

describe.each([3, 255, 256, 257, 511, 512, 513, 600])("a published tree of %i entries", (size) => {
  it("serves every tile of the tree with the bytes of the definition", async () => {
    const { ask, log } = openDesk(await logOf(size))
    for (const tile of tilesAt(size)) {
      const answer = await ask(`/${tilePath(tile)}`)
      expect(answer.status).toBe(200)
      expect(answer.headers.get("cache-control")).toContain("immutable")
      const bytes = new Uint8Array(await answer.arrayBuffer())
      if (tile.level === "entries") {
        const leaves = log.all.slice(tile.index * 256, tile.index * 256 + tile.width)
        expect(decodeEntryBundle(bytes).map((leaf) => Buffer.from(leaf).toString())).toEqual(
          leaves.map((leaf) => Buffer.from(leaf).toString()),
        )
      } else {
        expect(bytes).toEqual(naiveTile(log, tile.level, tile.index, tile.width))
      }
    }
  })

  it("serves partial tiles of every smaller width and none beyond the tree", async () => {
    const { ask, log } = openDesk(await logOf(size))
    const last = Math.floor(size / 256)
    const width = size % 256
    for (const smaller of width === 0 ? [] : [1, Math.ceil(width / 2), width]) {
      const answer = await ask(`/${tilePath({ level: 0, index: last, width: smaller })}`)
      const bytes = new Uint8Array(await answer.arrayBuffer())
      expect(bytes).toEqual(naiveTile(log, 0, last, smaller))
    }
    const beyond = [
      tilePath({ level: 0, index: last, width: width + 1 }),
      tilePath({ level: "entries", index: last, width: width + 1 }),
      tilePath({ level: 0, index: last + 1, width: 1 }),
      tilePath({ level: 1, index: 0, width: last + 1 }),
      tilePath({ level: 63, index: 0, width: 1 }),
    ]
    for (const path of beyond) expect((await ask(`/${path}`)).status, path).toBe(404)
  })
})

describe("tiles", () => {
  it("show nothing that no checkpoint covers", async () => {
    const { ask, log } = openDesk(await logOf(10))
    log.fill(10)
    expect((await ask("/tile/0/000.p/10")).status).toBe(200)
    expect((await ask("/tile/0/000.p/11")).status).toBe(404)
    expect((await ask("/tile/entries/000.p/11")).status).toBe(404)
  })

  it("have one path each; every other spelling is nothing", async () => {
    const { ask } = openDesk(await logOf(600))
    const paths = [
      "/tile/0/0",
      "/tile/00/000",
      "/tile/0/x000/000",
      "/tile/0/000.p/256",
      "/tile/0/000.p/0",
      "/tile/0/002.p/088",
      "/tile/64/000",
      "/tile/-1/000",
      "/tile/0/000/",
      "/tile/data/000",
      "/tile/8/0/000",
      "/tile/entries/%30%30%30",
      "/tile/",
      "/tile",
    ]
    for (const path of paths) expect((await ask(path)).status, path).toBe(404)
  })

  it("need a checkpoint first", async () => {
    const { ask } = openDesk()
    expect((await ask("/checkpoint")).status).toBe(404)
    expect((await ask("/tile/0/000.p/1")).status).toBe(404)
  })
})

describe("the checkpoint", () => {
  it("is given as it was signed, to be asked for again soon", async () => {
    const { ask, log } = openDesk(await logOf(5))
    const answer = await ask("/checkpoint")
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8")
    expect(answer.headers.get("cache-control")).toBe("private, max-age=1")
    expect(await answer.text()).toBe(await log.checkpoint())
  })

  it("that is ahead of the head we see waits until we see it", async () => {
    const log = await logOf(5)
    const { json } = openDesk(log)
    expect((await json("/v1/status")).checkpoint).toEqual({ size: 5 })
    const text = (await log.checkpoint()) ?? ""
    log.publishText(text.replace("\n5\n", "\n99\n"))
    expect((await json("/v1/status")).checkpoint).toEqual({ size: 5 })
  })

  it("that is damaged on disk is a finding, told to the operator too", async () => {
    const log = await logOf(5)
    const { json, lines } = openDesk(log)
    log.publishText("garbage")
    expect((await json("/checkpoint", 500)).code).toBe("LOG_DAMAGED")
    expect(lines.join()).toContain("LOG_DAMAGED")
  })
})

it("gives the proofs of the log's keys, nothing where there were none", async () => {
  const { ask, log } = openDesk(await logOf(10))
  expect(await (await ask("/v1/keys")).text()).toBe("")
  log.keysText = '{"key":{}}\n'
  const answer = await ask("/v1/keys")
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson")
  expect(await answer.text()).toBe(log.keysText)
})

it("gives the newest checkpoint that was witnessed beside the newest one", async () => {
  const log = await logOf(3)
  const { ask } = openDesk(log)
  expect((await ask("/v1/checkpoint/witnessed")).status).toBe(404)
  log.witness()
  const witnessed = await log.witnessed()
  log.fill(2)
  await log.publish()
  expect(await (await ask("/v1/checkpoint/witnessed")).text()).toBe(witnessed)
  expect(await (await ask("/checkpoint")).text()).not.toBe(witnessed)
})
