import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { truncate } from "node:fs/promises"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { parseEntry } from "@postern/log/event"
import { openNote } from "@postern/log/tlog"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { loadConfig } from "../../config/index.ts"
import { followLog, lockDirectory, readLastSigned, segmentPath } from "../../disk/index.ts"
import { createSigningKey, verifierKey } from "../pki/index.ts"
import { verifyDirectory } from "../verify/index.ts"
import { epochBegan, nextOrigin } from "./index.ts"
import { openScene, removeDirectories, type Scene } from "./restore.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await openScene()
})
afterEach(removeDirectories)

const listing = ({ own }: Scene) =>
  readdirSync(join(own, "..")).flatMap((name) => [
    name,
    ...(name.startsWith("log")
      ? readdirSync(join(own, "..", name)).map((file) => `${name}/${file}`)
      : []),
  ])

async function firstEvent(path: string) {
  const view = await followLog(path)
  const [leaf = new Uint8Array()] = await view.leaves(0, 1)
  await view.close()
  return parseEntry(leaf).event
}

describe("a mirror that holds everything", () => {
  test("takes the place of a damaged log, and the same log goes on", async () => {
    const { log, own, vkey, restore, copyTo, grow } = scene
    await grow(5, true)
    const from = copyTo("mirror")
    await log.close()
    await truncate(segmentPath(own, 0, "seg"), 4096)
    const restored = await restore({ from })
    expect(restored).toMatchObject({ kind: "copied", size: log.size })
    const report = await verifyDirectory(own, { vkey })
    expect(report).toMatchObject({ verified: true, size: log.size })
    expect(restored.kind === "copied" && existsSync(join(restored.aside ?? "", "head"))).toBe(true)
    expect(loadConfig(scene.config.file).origin).toBe(scene.config.origin)
  })

  test("takes it as well with compressed segments, and the same log goes on", async () => {
    const { log, own, vkey, restore, copyTo, grow } = scene
    await log.roll()
    await grow(5, true)
    await log.compress()
    const from = copyTo("mirror")
    await log.close()
    rmSync(segmentPath(own, 0, "segz"))
    await expect(verifyDirectory(own, { vkey })).resolves.toMatchObject({ verified: false })
    expect(await restore({ from })).toMatchObject({ kind: "copied", size: log.size })
    const report = await verifyDirectory(own, { vkey, full: true })
    expect(report).toMatchObject({ verified: true, size: log.size })
    expect(existsSync(segmentPath(own, 0, "segz"))).toBe(true)
  })

  test("takes it too where the log's beginning went by rule, in both or in one", async () => {
    const { log, own, vkey, restore, copyTo, grow } = scene
    await log.roll()
    const minimum = log.size
    await grow(5, true)
    await log.prune(minimum)
    await log.checkpoint()
    const from = copyTo("mirror")
    await log.close()
    rmSync(segmentPath(own, minimum, "seg"))
    expect(await restore({ from })).toMatchObject({ kind: "copied", size: log.size })
    const report = await verifyDirectory(own, { vkey })
    expect(report).toMatchObject({ verified: true, facts: { pruned: minimum } })
    // What the first entry says of an epoch before is still to be read.
    expect((await firstEvent(own)).action).toBe("postern.started")
  })

  test("is enough although one more checkpoint was signed, and that is not forgotten", async () => {
    const { log, own, restore, copyTo, grow } = scene
    await grow(5, false)
    const from = copyTo("mirror")
    await log.checkpoint()
    await log.close()
    rmSync(join(own, "segments"), { recursive: true })
    expect(await restore({ from })).toMatchObject({ kind: "copied" })
    expect((await readLastSigned(own))?.size).toBe(log.size)
  })

  test("is enough where other storage remembers what was signed", async () => {
    const { log, own, config, restore, copyTo, grow } = scene
    await grow(5, true)
    const from = copyTo("mirror")
    await log.close()
    const signedMemory = join(own, "..", "memory")
    const signed = { origin: config.origin, ...(await readLastSigned(own)) }
    writeFileSync(signedMemory, JSON.stringify(signed))
    rmSync(join(own, "last-signed"))
    rmSync(join(own, "segments"), { recursive: true })
    const restored = await restore({ from, config: { ...config, signedMemory } })
    expect(restored).toMatchObject({ kind: "copied" })
    expect((await readLastSigned(own))?.size).toBe(log.size)
    expect(existsSync(signedMemory)).toBe(true)
  })

  test("is not enough where nobody knows what was acknowledged", async () => {
    const { log, own, restore, copyTo } = scene
    const from = copyTo("mirror")
    await log.close()
    rmSync(join(own, "head"))
    await expect(restore({ from })).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
    rmSync(own, { recursive: true })
    await expect(restore({ from })).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
  })
})

describe("a loss", () => {
  test("that is not accepted changes nothing", async () => {
    const { log, restore, copyTo, grow } = scene
    const from = copyTo("mirror")
    await grow(5, false)
    await log.close()
    const before = listing(scene)
    const refused = restore({ from })
    await expect(refused).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
    await expect(refused).rejects.toThrow("entries 22 to 27 are missing (head knows of them)")
    expect(listing(scene)).toEqual(before)
  })

  test("that is accepted ends the epoch, and the successor says what is missing", async () => {
    const { log, own, vkey, config, restore, copyTo, grow, accept } = scene
    const from = copyTo("mirror")
    await grow(5, true)
    const note = readFileSync(join(own, "checkpoint"), "utf8")
    await log.close()
    const text = readFileSync(config.file, "utf8")
    const restored = await restore({ from, ...accept })
    expect(restored).toMatchObject({ kind: "successor", origin: "verify.test/log/e2" })
    if (restored.kind !== "successor") return
    const event = await firstEvent(own)
    expect(event.source).toBe("postern://verify.test/log/e2")
    expect(epochBegan(event)).toEqual(restored.began)
    expect(restored.began).toMatchObject({
      previous: { origin: config.origin, vkey, checkpoint: note },
      left: { size: 22, directory: "log.e1" },
      missing: { from: 22, to: 27, exact: true },
      reason: "disk failed",
      operator: "root@host",
    })
    const closed = join(own, "..", "log.e1")
    expect(await verifyDirectory(closed, { vkey })).toMatchObject({ verified: true, size: 22 })
    const successor = await openNote(readFileSync(join(closed, "successor"), "utf8"), [vkey])
    const lines = successor.text.split("\n")
    expect(lines.slice(0, 2)).toEqual(["postern-successor/v1", config.origin])
    expect(lines[2]).toMatch(/^27 /)
    expect(lines.slice(3, 5)).toEqual([restored.origin, restored.vkey])
    expect(readFileSync(config.file, "utf8")).toBe(
      text.replace(`origin: ${config.origin}`, `origin: ${restored.origin}`),
    )
    for (const file of Object.values(scene.made.profiles)) {
      const { origin, vkey } = restored
      expect(loadProfile(file).log).toEqual({ origin, vkey })
    }
    const report = await verifyDirectory(own, { vkey: restored.vkey })
    expect(report).toMatchObject({ size: 1, findings: [] })
  })

  test("ends old log keys with the epoch, and knows the root key by the successor's name", async () => {
    const { log, config, restore, accept } = scene
    await log.close()
    rmSync(scene.own, { recursive: true })
    const root = verifierKey(`${config.origin}/root`, createSigningKey())
    const before = readFileSync(config.file, "utf8")
    const lines = "  retiringLogKey: pki/old.key\n  logKeyCertificate: pki/log.certificate\n"
    writeFileSync(
      config.file,
      before.replace("pki:\n", `rootVkey: ${JSON.stringify(root)}\npki:\n${lines}`),
    )
    const { kind } = await restore({ config: loadConfig(config.file), ...accept })
    expect(kind).toBe("successor")
    const after = loadConfig(config.file)
    expect(after.rootVkey).toMatch(/^verify\.test\/log\/e2\/root\+/)
    expect(after.rootVkey?.slice(-44)).toBe(root.slice(-44))
    expect(after.pki).toEqual(config.pki)
  })

  test("of everything leaves a successor that knows no more than the mirror", async () => {
    const { log, own, restore, copyTo, accept } = scene
    const from = copyTo("mirror")
    await log.close()
    rmSync(own, { recursive: true })
    const restored = await restore({ from, ...accept })
    expect(restored).toMatchObject({
      kind: "successor",
      aside: undefined,
      began: { missing: { from: 22, to: 22, exact: false }, known: [{ by: "mirror", size: 22 }] },
    })
  })

  test("without a mirror keeps what is left as it is", async () => {
    const { log, own, vkey, restore, copyTo, grow, accept } = scene
    const backup = copyTo("backup")
    await grow(7, true)
    const seen = [{ by: "witness", note: readFileSync(join(own, "checkpoint"), "utf8") }]
    await log.close()
    rmSync(own, { recursive: true })
    renameSync(backup, own)
    await expect(restore({ seen })).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
    const restored = await restore({ seen, ...accept })
    expect(restored).toMatchObject({
      kind: "successor",
      began: { left: { size: 22 }, missing: { from: 22, to: 29, exact: false } },
    })
    const closed = join(own, "..", "log.e1")
    expect(await verifyDirectory(closed, { vkey })).toMatchObject({ size: 22, findings: [] })
  })

  test("without anything left begins a successor all the same", async () => {
    const { log, own, restore, accept } = scene
    await log.close()
    rmSync(own, { recursive: true })
    await expect(restore()).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
    const restored = await restore(accept)
    expect(restored).toMatchObject({ began: { left: { size: 0 }, missing: { from: 0, to: 0 } } })
    expect(readdirSync(join(own, "..", "log.e1"))).toEqual(["successor"])
  })

  test("is known of from what a reader of the installation remembered", async () => {
    const { log, own, config, restore, copyTo, grow, accept } = scene
    const from = copyTo("mirror")
    await grow(3, true)
    const memory = join(config.file, "..", "profiles", "reader.checkpoint")
    writeFileSync(memory, readFileSync(join(own, "checkpoint")))
    await log.close()
    rmSync(own, { recursive: true })
    const restored = await restore({ from, ...accept })
    expect(restored).toMatchObject({ began: { missing: { from: 22, to: 25 } } })
    expect(existsSync(memory)).toBe(false)
    expect(existsSync(`${memory}.e1`)).toBe(true)
  })

  test("is known of from what was signed as other storage remembers, which is set aside", async () => {
    const { log, own, config, restore, copyTo, grow, accept } = scene
    const from = copyTo("mirror")
    await grow(3, true)
    const signedMemory = join(own, "..", "memory")
    const signed = { origin: config.origin, ...(await readLastSigned(own)) }
    writeFileSync(signedMemory, JSON.stringify(signed))
    await log.close()
    rmSync(own, { recursive: true })
    const remembering = { ...config, signedMemory }
    const refused = restore({ from, config: remembering })
    await expect(refused).rejects.toThrow(
      "entries 22 to 25 are missing (signed-memory knows of them)",
    )
    const restored = await restore({ from, config: remembering, ...accept })
    expect(restored).toMatchObject({ began: { missing: { from: 22, to: 25, exact: false } } })
    expect(existsSync(signedMemory)).toBe(false)
    expect(existsSync(`${signedMemory}.e1`)).toBe(true)
  })

  test("can follow a loss: the third epoch names the second", async () => {
    const { log, own, config, made, restore, accept } = scene
    await log.close()
    const first = await restore(accept)
    expect(first).toMatchObject({ origin: "verify.test/log/e2" })
    const again = loadConfig(config.file)
    const vkey = loadProfile(made.profiles.reader).log.vkey
    expect(await restore({ config: again, vkey, ...accept })).toMatchObject({
      origin: "verify.test/log/e3",
      began: { previous: { origin: "verify.test/log/e2", vkey }, left: { directory: "log.e2" } },
    })
    expect(
      readdirSync(join(own, ".."))
        .filter((name) => name.startsWith("log"))
        .sort(),
    ).toEqual(["log", "log.e1", "log.e2"])
  })
})

describe("a restore is refused", () => {
  test("where nothing is missing", async () => {
    await scene.log.close()
    await expect(scene.restore()).rejects.toMatchObject({ code: "USAGE" })
  })

  test("while a port or a mirror holds a directory", async () => {
    const from = scene.copyTo("mirror")
    await expect(scene.restore({ from })).rejects.toMatchObject({ code: "LOG_LOCKED" })
    await scene.log.close()
    const lock = lockDirectory(join(from, "lock"))
    await expect(scene.restore({ from })).rejects.toMatchObject({ code: "LOG_LOCKED" })
    lock.release()
  })

  test("from a mirror that is damaged, or of another log", async () => {
    const { log, own, restore, copyTo, accept } = scene
    const from = copyTo("mirror")
    await log.close()
    rmSync(own, { recursive: true })
    const bytes = readFileSync(segmentPath(from, 0, "seg"))
    bytes[300] = (bytes[300] ?? 0) ^ 1
    writeFileSync(segmentPath(from, 0, "seg"), bytes)
    await expect(restore({ from, ...accept })).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    const logFile = join(from, "log.json")
    writeFileSync(logFile, readFileSync(logFile, "utf8").replace("verify.test", "other.test"))
    await expect(restore({ from, ...accept })).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  })

  test("from a mirror of another history, whatever is accepted", async () => {
    const { log, own, restore, copyTo, accept } = scene
    const from = copyTo("mirror")
    await log.close()
    writeFileSync(join(own, "last-signed"), JSON.stringify({ size: 5, root: `${"A".repeat(43)}=` }))
    await expect(restore({ from, ...accept })).rejects.toMatchObject({ code: "LOG_FORKED" })
  })

  test("with a checkpoint that the log key did not sign", async () => {
    const { log, own, restore, accept } = scene
    const note = readFileSync(join(own, "checkpoint"), "utf8").replace("\n22\n", "\n23\n")
    await log.close()
    const refused = restore({ ...accept, seen: [{ by: "x", note }] })
    await expect(refused).rejects.toMatchObject({ code: "NOTE_INVALID" })
  })

  test("where an earlier one keeps its closed epoch", async () => {
    const { log, own, restore, accept } = scene
    await log.close()
    mkdirSync(join(own, "..", "log.e1"))
    await expect(restore(accept)).rejects.toMatchObject({ code: "ALREADY_EXISTS" })
  })
})

describe("an interrupted restore", () => {
  test("that had not put the successor in its place is finished", async () => {
    const { log, own, config, restore, copyTo, accept } = scene
    const from = copyTo("mirror")
    const text = readFileSync(config.file, "utf8")
    await log.close()
    rmSync(own, { recursive: true })
    await restore({ from, ...accept })
    // As if it had ended between the two renames, then as if before postern.yaml was changed.
    writeFileSync(config.file, text)
    renameSync(own, `${own}.new`)
    expect(await restore({ from, ...accept })).toMatchObject({ kind: "finished" })
    expect(loadConfig(config.file).origin).toBe("verify.test/log/e2")
    writeFileSync(config.file, text)
    expect(await restore()).toMatchObject({ kind: "finished", changed: [config.file] })
    expect(await firstEvent(own)).toMatchObject({ action: "postern.epoch.began" })
  })

  test("that had not finished its copy begins again", async () => {
    const { log, own, restore, copyTo } = scene
    const from = copyTo("mirror")
    await log.close()
    for (const name of ["making", "new"]) mkdirSync(`${own}.${name}`)
    await truncate(segmentPath(own, 0, "seg"), 0)
    expect(await restore({ from })).toMatchObject({ kind: "copied" })
    expect(existsSync(`${own}.making`) || existsSync(`${own}.new`)).toBe(false)
  })
})

test("epochs are numbered in their origins", () => {
  expect(nextOrigin("a.b/audit")).toBe("a.b/audit/e2")
  expect(nextOrigin("a.b/audit/e2")).toBe("a.b/audit/e3")
  expect(nextOrigin("a.b/audit/e99")).toBe("a.b/audit/e100")
  expect(nextOrigin("a.b/e0")).toBe("a.b/e0/e2")
  expect(() => nextOrigin(`a${"b".repeat(198)}`)).toThrow("cannot be an origin")
})
