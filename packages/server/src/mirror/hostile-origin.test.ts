import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { ErrorCode } from "@postern/log/base"
import { formatCheckpoint, signNote } from "@postern/log/tlog"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { decodeSlotHeader, encodeSlotHeader, followLog } from "../disk/index.ts"
import { verifyDirectory } from "../guard/verify/index.ts"
import { createKey, origin, type WrittenLog } from "../guard/verify/written-log.test.support.ts"
import { mirrorUpTo, openScene, removeDirectories, type Scene } from "./mirror.test.support.ts"
import type { SentFrame } from "./origin.test.support.ts"

let log: WrittenLog
let scene: Scene
beforeAll(async () => {
  log = (await openScene()).log
})
beforeEach(async () => {
  scene = await openScene(log)
})
afterAll(async () => {
  await log.close()
  removeDirectories()
})

type Header = NonNullable<ReturnType<typeof decodeSlotHeader>>["header"]

/** The slot with this number in the answer, its header changed and its hash right for that. */
function rewritten(number: number, change: (header: Header) => Partial<Header>) {
  return (frames: SentFrame[]): SentFrame[] =>
    frames.map((sent) => {
      const header = sent.type === 3 ? decodeSlotHeader(sent.body)?.header : undefined
      if (header?.slot !== number) return sent
      const body = Buffer.from(sent.body)
      encodeSlotHeader({ ...header, ...change(header) }, body)
      return { ...sent, body }
    })
}

function bytesChanged(type: number, nth: number, at: number) {
  return (frames: SentFrame[]): SentFrame[] => {
    let seen = 0
    return frames.map((sent) => {
      if (sent.type !== type || seen++ !== nth) return sent
      const body = Buffer.from(sent.body)
      body[at] = (body[at] ?? 0) ^ 1
      return { ...sent, body }
    })
  }
}

function dropped(type: number, nth: number) {
  return (frames: SentFrame[]): SentFrame[] => {
    let seen = 0
    return frames.filter((sent) => sent.type !== type || seen++ !== nth)
  }
}

/** Changes the line of JSON of the nth `.start` and makes its digest right again. */
function otherStart(nth: number, change: (start: Record<string, unknown>) => object) {
  return async (frames: SentFrame[]): Promise<SentFrame[]> => {
    const starts = frames.filter(({ type }) => type === 2)
    const target = starts[nth]
    if (target === undefined) throw new Error("there is no such segment")
    const [line = ""] = target.body.subarray(8).toString().split("\n")
    const text = JSON.stringify({ ...JSON.parse(line), ...change(JSON.parse(line)) })
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(text)))
    const start = Buffer.from(`${text}\n${digest.toString("hex")}\n`)
    const body = Buffer.concat([target.body.subarray(0, 8), start])
    return frames.map((sent) => (sent === target ? { ...sent, body } : sent))
  }
}

/** What is there after a refusal is right, and an honest origin can go on from it. */
async function expectSound(): Promise<void> {
  scene.source.alter = (frames) => frames
  await mirrorUpTo(scene, scene.log.size)
  const report = await verifyDirectory(scene.path, { vkey: scene.vkey })
  expect(report.findings).toEqual([])
  expect(report.size).toBe(scene.log.size)
}

const zeros = new Uint8Array(32)
const other = new Uint8Array(32).fill(7)

describe("an origin that sends", () => {
  const lies: [string, ErrorCode, (frames: SentFrame[]) => SentFrame[]][] = [
    ["a flipped bit in a record", "LOG_DAMAGED", bytesChanged(3, 2, 300)],
    ["a flipped bit in a header", "LOG_DAMAGED", bytesChanged(3, 1, 40)],
    ["a slot with another root", "LOG_DAMAGED", rewritten(2, () => ({ root: other }))],
    ["a slot with more entries than records", "LOG_DAMAGED", rewritten(1, () => ({ entries: 9 }))],
    ["a slot that follows another one", "LOG_FORKED", rewritten(2, () => ({ previous: zeros }))],
    ["a slot of another generation", "LOG_FORKED", rewritten(1, () => ({ generation: 2 }))],
    ["a slot with another number", "LOG_FORKED", rewritten(2, () => ({ slot: 5 }))],
    ["a slot from another entry on", "LOG_FORKED", rewritten(2, () => ({ first: 5 }))],
    ["all slots but one", "LOG_FORKED", dropped(3, 2)],
    ["a segment late", "LOG_FORKED", dropped(3, 3)],
    ["a flipped bit in a .start", "LOG_DAMAGED", bytesChanged(2, 1, 30)],
  ]
  test.each(lies)("%s is refused: %s", async (_, code, alter) => {
    scene.source.alter = alter
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code })
    await expectSound()
  })

  test.each<[string, ErrorCode, (start: Record<string, unknown>) => object]>([
    ["other peaks", "LOG_FORKED", () => ({ frontier: Array(64).fill("07".repeat(32)) })],
    ["another slot", "LOG_FORKED", () => ({ slot: 1 })],
    ["another slot before", "LOG_FORKED", () => ({ previous: "07".repeat(32) })],
    ["a member too many", "LOG_DAMAGED", () => ({ more: 1 })],
    ["a number for a hash", "LOG_DAMAGED", () => ({ previous: 7 })],
  ])("a .start with %s is refused: %s", async (_, code, change) => {
    const { source } = scene
    const alter = otherStart(1, change)
    const answer = source.slots.bind(source)
    source.slots = async (from) => {
      const { framesOf } = await import("./origin.test.support.ts")
      const frames = await alter(await framesOf(source.directory, from))
      source.alter = () => frames
      return answer(from)
    }
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code })
    source.slots = answer
    await expectSound()
  })

  test("another log is refused before anything is written", async () => {
    scene.source.alter = (frames) =>
      frames.map((sent) => {
        const text = sent.body.toString().replace(origin, "verify.test/other")
        return sent.type === 1 ? { ...sent, body: Buffer.from(text) } : sent
      })
    await expect(mirrorUpTo(scene, 1)).rejects.toMatchObject({ code: "NOTE_INVALID" })
  })
})

describe("a checkpoint", () => {
  const withNote = (note: string) => (frames: SentFrame[]) => [
    ...frames.filter(({ type }) => type !== 4),
    { type: 4, body: Buffer.from(note) },
  ]
  const noteOf = (size: number, root: Uint8Array, key = scene.log.log) =>
    signNote(formatCheckpoint({ origin, size, root }), key.signer)

  test("that the log key has signed for another root proves a fork, and is kept", async () => {
    await mirrorUpTo(scene, scene.log.size)
    const { source, path } = scene
    const view = await followLog(path)
    const own = (await view.checkpoint()) ?? ""
    await view.close()
    const size = Number(own.split("\n")[1])
    const lie = await noteOf(size, other)
    source.alter = withNote(lie)
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code: "LOG_FORKED" })
    const [name = ""] = await readdir(join(path, "evidence"))
    const kept = (file: string) => readFile(join(path, "evidence", name, file), "utf8")
    expect(await kept("own-checkpoint")).toBe(own)
    expect(await kept("origin-checkpoint")).toBe(lie)
    const lines = (await kept("fork.evidence"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({ kind: "fork", origin })
    expect(lines.slice(1, 3)).toEqual([{ note: own }, { note: lie }])
    expect(JSON.parse(await kept("facts.json"))).toMatchObject({ vkey: scene.vkey })
    await expectSound()
  })

  test("of a size that no slot ends at is held against the tree all the same", async () => {
    await mirrorUpTo(scene, scene.log.size)
    scene.source.alter = withNote(await noteOf(7, other))
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code: "LOG_FORKED" })
  })

  test("with a cosignature more is kept, and not given up for one with less", async () => {
    await mirrorUpTo(scene, scene.log.size)
    const view = await followLog(scene.path)
    const plain = (await view.checkpoint()) ?? ""
    const [text = ""] = plain.split("\n\n")
    const witness = createKey("witness.test")
    const line = (await signNote(`${text}\n`, witness.signer)).split("\n\n")[1] ?? ""
    for (const note of [plain + line, plain]) {
      scene.source.alter = withNote(note)
      await mirrorUpTo(scene, scene.log.size)
      expect(await view.checkpoint()).toBe(plain + line)
    }
    await view.close()
  })

  test("of another key is refused", async () => {
    scene.source.alter = withNote(await noteOf(1, other, createKey(origin)))
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code: "NOTE_INVALID" })
    await expectSound()
  })

  test("of more than was sent is refused", async () => {
    scene.source.alter = withNote(await noteOf(scene.log.size + 1, other))
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code: "PROOF_INVALID" })
    await expectSound()
  })
})

describe("an origin that went back", () => {
  test("is refused with both checkpoints, and the copy stays", async () => {
    await mirrorUpTo(scene, scene.log.size)
    const { source, path, vkey } = scene
    const answer = source.slots.bind(source)
    source.slots = (from) => answer(from + 1000)
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code: "LOG_FORKED" })
    const [name = ""] = await readdir(join(path, "evidence"))
    const files = await readdir(join(path, "evidence", name))
    expect(files.sort()).toEqual(["facts.json", "origin-checkpoint", "own-checkpoint"])
    expect((await verifyDirectory(path, { vkey })).verified).toBe(true)
  })

  test("is found out by its root even while it sends nothing", async () => {
    scene.source.agreeing = false
    await expect(mirrorUpTo(scene, 1e9)).rejects.toMatchObject({ code: "LOG_FORKED" })
  })
})
