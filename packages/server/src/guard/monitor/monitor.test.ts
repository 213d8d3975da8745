import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { checkEvidence } from "@postern/log/evidence"
import { parsePolicy, signNote } from "@postern/log/tlog"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { entriesOf, publish } from "../verify/tiles.test.support.ts"
import { createKey, origin } from "../verify/written-log.test.support.ts"
import { createWitness, key, log, TestPort, TestWatch } from "./port.test.support.ts"
import { watchedLog } from "./watched-log.ts"

let directory: string
let port: TestPort
let watch: TestWatch

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-monitor-"))
  port = await TestPort.of(300)
  watch = await new TestWatch(port, join(directory, "state")).open(true)
})

afterEach(() => {
  watch.close()
  rmSync(directory, { recursive: true })
})

const kept = (alarm: string, file: string) =>
  readFileSync(join(watch.changes.find((one) => one.alarm === alarm)?.evidence ?? "", file), "utf8")

describe("a log that grows", () => {
  test("is consistent and derived, over many checkpoints and restarts", async () => {
    for (const size of [300, 301, 511, 512, 700, 700, 1025]) {
      await port.show(size)
      await watch.round()
      expect(watch.monitor.sizes).toEqual({ seen: size, derived: size })
      await watch.open()
      expect(watch.monitor.sizes).toEqual({ seen: size, derived: size })
    }
    expect(watch.said()).toEqual([])
    expect(port.asked).toContain("consistency 700 1025")
  })

  test("is derived from its hashes if entries are not shown", async () => {
    port.entries = false
    await watch.round()
    expect(watch.events).toContainEqual({ what: "derived", size: 300, saw: "hashes" })
    expect(port.asked.filter((path) => path.startsWith("tile/entries"))).toEqual([])
  })

  test("whose entries are hidden one day is said to be so, by a port that admits it or not", async () => {
    await watch.round()
    port.entries = false
    await port.show(301)
    await watch.round()
    expect(watch.said()).toEqual(["hidden raised"])
    port.entries = true
    await port.show(302)
    const tile = port.tile.bind(port)
    port.tile = async (path) => {
      if (path.startsWith("tile/entries")) throw new PosternError("NOT_GRANTED", "cut off")
      return tile(path)
    }
    await watch.round()
    expect(watch.said()).toEqual([])
    port.tile = tile
    await port.show(303)
    await watch.round()
    expect(watch.said()).toEqual(["hidden recovered"])
  })

  test("is not asked for more while it rests", async () => {
    await watch.round()
    const before = port.asked.length
    for (let i = 0; i < 100; i++) await watch.round()
    expect(port.asked.slice(before).every((what) => /^(checkpoint|status)$/.test(what))).toBe(true)
    expect(watch.said()).toEqual([])
  })

  test("may begin with nothing", async () => {
    await port.show(0)
    await watch.round()
    await port.show(1)
    await watch.round()
    expect([watch.said(), watch.monitor.sizes]).toEqual([[], { seen: 1, derived: 1 }])
  })

  test("is proven step by step also while its tree is still derived", async () => {
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const tile = port.tile.bind(port)
    port.tile = (path) => gate.then(() => tile(path))
    await watch.monitor.round()
    await port.show(700)
    await watch.monitor.round()
    expect(watch.monitor.sizes).toEqual({ seen: 700, derived: 0 })
    go()
    await watch.monitor.settled()
    expect(watch.monitor.sizes).toEqual({ seen: 700, derived: 300 })
    await watch.round()
    expect(watch.monitor.sizes).toEqual({ seen: 700, derived: 700 })
  })
})

describe("a log that contradicts itself", () => {
  test("at one size is a fork, with evidence that proves it alone", async () => {
    await watch.round()
    await port.show(300, 1)
    await watch.round()
    expect(watch.changes).toMatchObject([{ alarm: "contradiction", state: "raised" }])
    const evidence = Buffer.from(kept("contradiction", "fork.evidence"))
    const policy = parsePolicy(`log ${key.vkey}\nquorum none\n`)
    expect(await checkEvidence(evidence, policy)).toMatchObject({ verdict: "FORK-EVIDENCE" })
    // It is never taken back: not by the old history, not by a new process.
    await port.show(300)
    await watch.round()
    await watch.open()
    await watch.round()
    expect(watch.raised()).toEqual(["contradiction"])
    expect(watch.changes.length).toBe(1)
  })

  test("at a larger size is found out by its tiles, whatever it says instead of a proof", async () => {
    await watch.round()
    const before = port.published.note
    await port.show(700, 1)
    for (const proof of [port.proof, async () => "none" as const, async () => []]) {
      port.proof = proof
      await watch.round()
    }
    expect(watch.changes).toMatchObject([{ alarm: "bad-proof" }, { alarm: "contradiction" }])
    expect(kept("contradiction", "believed-checkpoint")).toBe(before)
    expect(kept("contradiction", "shown-checkpoint")).toBe(port.published.note)
    expect(existsSync(join(watch.changes[1]?.evidence ?? "", "fork.evidence"))).toBe(false)
    expect(watch.monitor.sizes.seen).toBe(300)
  })

  test("is found out by a monitor that was away meanwhile", async () => {
    await watch.round()
    await port.show(1000, 1)
    await watch.open()
    await watch.round()
    expect(watch.said()).toEqual(["bad-proof raised", "contradiction raised"])
  })

  test("is not, if only its proof is bad", async () => {
    await watch.round()
    const honest = port.proof
    port.proof = async () => []
    await port.show(700)
    await watch.round()
    expect(watch.said()).toEqual(["bad-proof raised"])
    await watch.round()
    port.proof = honest
    await watch.round()
    expect(watch.said()).toEqual(["bad-proof recovered"])
    expect(watch.monitor.sizes).toEqual({ seen: 700, derived: 700 })
  })

  test("by going back is found out, and is over when it goes on", async () => {
    await port.show(700)
    await watch.round()
    await port.show(699)
    await watch.round()
    await watch.round()
    expect(watch.said()).toEqual(["rolled-back raised"])
    await port.show(701)
    await watch.round()
    expect(watch.said()).toEqual(["rolled-back recovered"])
  })
})

describe("what is served", () => {
  test("has to lead to what is signed", async () => {
    const other = await publish(entriesOf(300, 1), key)
    const honest = port.published
    port.published = { ...other, note: honest.note, checkpoint: async () => honest.note }
    await watch.round()
    expect(watch.said()).toEqual(["bad-tree raised"])
    port.published = honest
    await watch.round()
    expect([watch.said(), watch.monitor.sizes.derived]).toEqual([["bad-tree recovered"], 300])
  })

  test("has to be signed by the log's key", async () => {
    await watch.round()
    const honest = port.published.note
    const stranger = createKey(origin)
    for (const note of [
      await signNote(`${origin}\n301\n${"A".repeat(43)}=\n`, stranger.signer),
      honest.replace("\n300\n", "\n301\n"),
      "nothing",
      "",
    ]) {
      port.published.note = note
      await watch.round()
      expect(watch.raised(), note).toEqual(["bad-signature"])
    }
    expect(kept("bad-signature", "shown-checkpoint")).toContain("301")
    port.published.note = honest
    await watch.round()
    expect(watch.said()).toEqual(["bad-signature raised", "bad-signature recovered"])
  })

  test("may be a lie again and again: what is kept of it stays bounded", async () => {
    await watch.round()
    const honest = port.published.note
    const evidence = join(watch.directory, "evidence")
    for (let i = 0; i < 97; i++) mkdirSync(join(evidence, `${i}`), { recursive: true })
    for (let i = 0; i < 10; i++) {
      port.published.note = i % 2 === 0 ? "nothing" : honest
      await watch.round()
    }
    expect(readdirSync(evidence).length).toBe(100)
    expect(watch.said().length).toBe(10)
  })
})

describe("a port", () => {
  test("that is silent raises an alarm in less than a minute, and takes it back", async () => {
    await watch.round()
    port.silent = true
    const began = watch.nowMs
    while (watch.changes.length === 0) await watch.round()
    expect(watch.nowMs - began).toBeLessThanOrEqual(30_000)
    expect(watch.monitor.failure?.code).toBe("UNREACHABLE")
    port.silent = false
    await watch.round()
    expect(watch.said()).toEqual(["unreachable raised", "unreachable recovered"])
    expect(watch.monitor.failure).toBeUndefined()
  })

  test("that takes entries and signs nothing is stale", async () => {
    await watch.round()
    port.head = 301
    for (let i = 0; i < 14; i++) await watch.round()
    expect(watch.said()).toEqual(["stale raised"])
  })

  test("that signs nothing while nothing comes is not told from one that rests, unless it has to record", async () => {
    const idle = { limits: { idleMs: 50_000 }, heartbeatMs: 20_000 }
    await watch.open(true, idle)
    for (let i = 0; i < 60; i++) await watch.round()
    expect(watch.said()).toEqual([])
    expect(port.size).toBeGreaterThan(310)
    port.records = false
    const began = watch.nowMs
    while (watch.changes.length === 0) await watch.round()
    expect(watch.nowMs - began).toBeLessThan(60_000)
    expect(watch.said()).toEqual(["idle raised"])
    port.records = true
    for (let i = 0; i < 5; i++) await watch.round()
    expect(watch.said()).toEqual(["idle recovered"])
  })

  test("that dies while the tree is derived delays it only", async () => {
    const tile = port.tile.bind(port)
    port.tile = async (path) => {
      port.silent = path.startsWith("tile/0/001")
      return tile(path)
    }
    await watch.round()
    expect(watch.events.map(({ what }) => what)).toContain("delayed")
    expect(watch.monitor.failure?.code).toBe("UNREACHABLE")
    port.tile = tile
    port.silent = false
    await watch.round()
    expect([watch.said(), watch.monitor.sizes.derived]).toEqual([[], 300])
  })

  test("without the quorum is unwitnessed, until the witness is back", async () => {
    const witness = createWitness("w.test/1")
    const policy = parsePolicy(`witness w ${witness.vkey}\nquorum w\n`)
    await watch.open(true, {}, watchedLog(log, policy))
    await port.show(301)
    port.published.note = await witness.cosign(port.published.note)
    await watch.round()
    await port.show(302)
    for (let i = 0; i < 14; i++) await watch.round()
    expect(watch.said()).toEqual(["unwitnessed raised"])
    port.published.note = await witness.cosign(port.published.note)
    await watch.round()
    expect(watch.said()).toEqual(["unwitnessed recovered"])
    expect(() => watchedLog(log, parsePolicy(`log ${createKey("b").vkey}\nquorum none\n`))).toThrow(
      "it does not name this log",
    )
  })

  test("that signs faster than its witnesses is witnessed as long as they follow", async () => {
    const witness = createWitness("w.test/1")
    const policy = parsePolicy(`witness w ${witness.vkey}\nquorum w\n`)
    await watch.open(true, {}, watchedLog(log, policy))
    for (let size = 301; size < 330; size++) {
      const before = port.published.note
      await port.show(size)
      port.cosigned = await witness.cosign(before)
      await watch.round()
    }
    expect(watch.said()).toEqual([])
    for (let size = 330; size < 345; size++) {
      await port.show(size)
      await watch.round()
    }
    expect(watch.said()).toEqual(["unwitnessed raised"])
    const other = await publish(entriesOf(320, 1), key)
    port.cosigned = await witness.cosign(other.note)
    await port.show(345)
    await watch.round()
    expect(watch.said()).toEqual([])
    port.cosigned = await witness.cosign((await publish(entriesOf(340, 1), key)).note)
    await watch.round()
    expect(watch.raised()).toContain("bad-proof")
  })

  test("with a wrong line of a witness has a bad signature", async () => {
    const witness = createWitness("w.test/1")
    const policy = parsePolicy(`witness w ${witness.vkey}\nquorum none\n`)
    await watch.open(true, {}, watchedLog(log, policy))
    const note = await witness.cosign(port.published.note)
    const at = note.lastIndexOf("A")
    port.published.note = `${note.slice(0, at)}B${note.slice(at + 1)}`
    await watch.round()
    expect(watch.raised()).toEqual(["bad-signature"])
  })
})

describe("what the monitor remembers", () => {
  test("is missed if it is gone, unless this is the beginning", async () => {
    await watch.round()
    watch.close()
    rmSync(join(watch.directory, "state.json"))
    await watch.open()
    await watch.round()
    expect(watch.said()).toEqual(["forgotten raised"])
    await watch.open()
    expect(watch.said()).toEqual(["forgotten recovered"])
  })

  test("is believed as a whole or not at all: no byte of it may change", async () => {
    await watch.round()
    watch.close()
    const file = join(watch.directory, "state.json")
    const good = readFileSync(file)
    for (let at = 0; at < good.length; at += 29) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] as number) ^ 1
      writeFileSync(file, bad)
      await watch.open()
      expect(watch.raised(), `byte ${at}`).toEqual(["forgotten"])
      expect(watch.monitor.sizes).toEqual({ seen: 0, derived: 0 })
    }
    expect(readdirSync(watch.directory).some((name) => name.includes("damaged"))).toBe(true)
  })

  test("is one log's: another log is refused", async () => {
    await watch.round()
    const other = createKey(origin)
    const opened = watch.open(false, {}, watchedLog({ origin, vkey: other.vkey }))
    await expect(opened).rejects.toMatchObject({ code: "USAGE" })
  })

  test("is one process's: a second one is refused", async () => {
    const second = new TestWatch(port, watch.directory)
    await expect(second.open()).rejects.toMatchObject({ code: "LOG_LOCKED" })
  })

  test("holds alarms that were not delivered yet", async () => {
    watch.undelivered = ["one", "two"]
    await watch.round()
    await watch.open()
    expect(watch.left).toEqual(["one", "two"])
  })

  test("is small for a large log", async () => {
    await port.show(70_000)
    port.entries = false
    await watch.round()
    expect(readFileSync(join(watch.directory, "state.json")).length).toBeLessThan(32_768)
  })
})
