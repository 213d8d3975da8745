import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { checkEvidence } from "@postern/log/evidence"
import { checkProofFile, parsePolicy, parseProofFile } from "@postern/log/tlog"
import { type AuditAnswer, encodeCheckpoint, encodeFrame, frameTypes } from "@postern/log/wire"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { origin } from "./fake-port.test.support.ts"
import { hastyWorld, Scene, waitMs, writeSome } from "./writer.test.support.ts"

/** Time passes so fast that the log is looked after every half second. */
const auditing = hastyWorld(20)

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const connect = () => scene.connect({ world: auditing })
const files = (start: string) =>
  readdirSync(scene.directory).filter((name) => name.startsWith(start))
const remembered = () =>
  Number(readFileSync(join(scene.directory, "checkpoint"), "utf8").split("\n")[1])
const change = (
  how: (answer: AuditAnswer) => Partial<AuditAnswer> | Promise<Partial<AuditAnswer>>,
) => {
  scene.port.manners.missay = async (answer) => ({ ...answer, ...(await how(answer)) })
}
/** Another tree of as many entries. */
const forge = async (): Promise<string> => {
  const { leafHashes } = scene.port
  const [first] = leafHashes
  leafHashes[0] = new Uint8Array(32).fill(9)
  const note = await scene.port.checkpoint()
  if (first !== undefined) leafHashes[0] = first
  return note
}

/** A writer with some entries under a checkpoint that it believes. */
async function believing() {
  const audit = await connect()
  writeSome(audit, 20)
  await audit.confirm("a.b", { actor: "a" }, { wait: "published" })
  return audit
}

describe("a writer looks after the log", () => {
  it("asks for a checkpoint and an entry of its own, from the one it believes on", async () => {
    const audit = await connect()
    for (let round = 1; round <= 3; round++) {
      writeSome(audit, 30)
      await audit.flush(waitMs)
      await scene.port.until(() => scene.port.audits.length >= round)
    }
    await audit.close()
    const { audits } = scene.port
    expect(audits[0]?.seen).toBe(0)
    expect(audits[2]?.seen).toBeGreaterThan(audits[1]?.seen as number)
    expect(audits[2]?.sample).toBeGreaterThan(0)
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual([])
  })

  it("asks nothing while nothing is acknowledged", async () => {
    scene.port.manners.isSilent = true
    const audit = await connect()
    writeSome(audit, 30)
    await scene.port.until(() => scene.port.entries.length === 30)
    await audit.close(0)
    expect(scene.port.audits).toEqual([])
  })

  it("goes on from what an earlier process believed", async () => {
    const first = await believing()
    await first.close()
    const size = remembered()
    expect(size).toBeGreaterThan(20)
    const second = await connect()
    await second.confirm("a.b", { actor: "a" }, { wait: "published" })
    expect(scene.port.audits.some(({ seen }) => seen === size)).toBe(true)
    expect(remembered()).toBeGreaterThan(size)
  })

  it("leaves what it kept of another log", async () => {
    writeFileSync(join(scene.directory, "checkpoint"), "another.test/log\n5\n")
    await believing()
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual([])
    expect(remembered()).toBeGreaterThan(20)
  })

  it("says so if what it kept is not of this log, and begins anew", async () => {
    writeFileSync(join(scene.directory, "checkpoint"), `${origin}\n5\nnothing that was signed\n`)
    await believing()
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual(["SPOOL_DAMAGED"])
    expect(remembered()).toBeGreaterThan(20)
  })
})

describe("what contradicts", () => {
  const cases: Record<string, [string, () => void]> = {
    "another tree of the same size": [
      "LOG_FORKED",
      () => change(async () => ({ note: await forge() })),
    ],
    "a checkpoint of another key": [
      "NOTE_INVALID",
      () =>
        change(async () => ({
          note: await scene.port.checkpoint(undefined, scene.port.receiptKey),
        })),
    ],
    "a smaller checkpoint": [
      "LOG_ROLLED_BACK",
      () =>
        change(async () => ({ note: await scene.port.checkpoint(5), sample: undefined, path: [] })),
    ],
    "no proof of an entry": [
      "PROOF_INVALID",
      () => change(() => ({ sample: undefined, path: [] })),
    ],
    "a wrong proof of an entry": [
      "PROOF_INVALID",
      () => change(({ path }) => ({ path: path.map(() => new Uint8Array(32)) })),
    ],
    "a proof from another size": [
      "PROOF_INVALID",
      () => change(({ from }) => ({ from: from + 1 })),
    ],
  }

  it.each(Object.keys(cases))(
    "%s is told, kept and said to the port; events go on",
    async (name) => {
      const [code, lie] = cases[name] as [string, () => void]
      const audit = await believing()
      const before = remembered()
      lie()
      // Nothing is acknowledged meanwhile, so that the log has the size that is believed.
      await expect(audit.confirm("a.b", { actor: "a" }, { wait: "published" })).rejects.toThrow()
      await scene.port.until(() => scene.port.doubts.length > 0)
      const said = scene.port.doubts[0]
      expect(code === "LOG_FORKED" ? ["LOG_FORKED", "PROOF_INVALID"] : [code]).toContain(said?.code)
      expect(scene.codes).toContain(said?.code)
      expect(remembered()).toBe(before)
      expect([...files("doubt-"), ...files("fork-")]).toHaveLength(1)
      const ids = writeSome(audit, 10)
      await audit.flush(waitMs)
      expect(scene.logged).toEqual(expect.arrayContaining(ids))
      await audit.close()
      expect(scene.port.doubts).toHaveLength(1) // Once, not with each answer.
    },
  )

  it("two trees of one size are kept as evidence that proves it to anybody", async () => {
    const audit = await believing()
    await audit.close()
    const again = await connect()
    // The same size is there again only if nothing was opened: the forged one says so.
    const size = remembered()
    change(async () => {
      scene.port.leafHashes.length = size
      return { note: await forge(), from: size, sample: undefined, path: [], consistency: [] }
    })
    await expect(again.confirm("a.b", { actor: "a" }, { wait: "published" })).rejects.toMatchObject(
      {
        code: "LOG_FORKED",
      },
    )
    await scene.told("LOG_FORKED")
    const [name = ""] = files("fork-")
    const policy = parsePolicy(`log ${scene.port.logKey.vkey}\nquorum none\n`)
    const bytes = readFileSync(join(scene.directory, name))
    const { verdict } = await checkEvidence([bytes], policy)
    expect(verdict).toBe("FORK-EVIDENCE")
  })

  it("a CHECKPOINT that nobody asked for ends the connection, and delivery goes on", async () => {
    const audit = await connect()
    const ids = writeSome(audit, 5)
    await audit.flush(waitMs)
    await scene.port.until(() => scene.port.audits.length > 0)
    const [session] = scene.port.sessions
    const answer = await scene.port.answer({ seen: 0, sample: undefined })
    session?.sendRaw(encodeFrame(frameTypes.checkpoint, encodeCheckpoint(answer)))
    await scene.told("FRAME_ORDER")
    ids.push(...writeSome(audit, 5))
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
  })
})

describe("confirm()", () => {
  it("waits for a checkpoint that holds the entry, and gives its proof", async () => {
    const audit = await connect()
    writeSome(audit, 20)
    const { proof = "", index } = await audit.confirm("a.b", { actor: "a" }, { wait: "published" })
    const policy = parsePolicy(`log ${scene.port.logKey.vkey}\nquorum none\n`)
    const file = parseProofFile(proof)
    expect(file.index).toBe(index)
    const { leaf } = await audit.confirm("a.b", { actor: "a" })
    await expect(checkProofFile(file, leaf, policy)).rejects.toMatchObject({
      code: "PROOF_INVALID",
    })
    const again = await audit.confirm("a.b", { actor: "a" }, { wait: "published" })
    const checked = await checkProofFile(parseProofFile(again.proof ?? ""), again.leaf, policy)
    expect(checked.checkpoint.size).toBeGreaterThan(index)
  })

  it("needs no proof where durable is enough", async () => {
    const audit = await connect()
    expect(await audit.confirm("a.b", { actor: "a" })).not.toHaveProperty("proof")
  })

  it("serves all who wait, and tells those whom close() leaves", async () => {
    const audit = await connect()
    const proofs = await Promise.all(
      [1, 2, 3].map(() => audit.confirm("a.b", { actor: "a" }, { wait: "published" })),
    )
    expect(new Set(proofs.map(({ proof }) => proof)).size).toBe(3)
    scene.port.manners.answersAudits = false
    const left = audit.confirm("a.b", { actor: "a" }, { wait: "published" })
    const told = expect(left).rejects.toMatchObject({ code: "UNREACHABLE" })
    await audit.flush(waitMs)
    await audit.close()
    await told
  })

  it("witnessed is refused before anything is taken where the profile has no quorum", async () => {
    const audit = await connect()
    await expect(audit.confirm("a.b", { actor: "a" }, { wait: "witnessed" })).rejects.toMatchObject(
      { code: "PROFILE_INVALID" },
    )
    expect(audit.status().pendingEvents).toBe(0)
  })
})

it("a port that knows no audits is asked once, and gets its events", async () => {
  scene.port.manners.isOld = true
  const audit = await connect()
  const waiting = audit.confirm("a.b", { actor: "a", id: "first" }, { wait: "published" })
  await expect(waiting).rejects.toMatchObject({ code: "FRAME_TYPE" })
  const ids = writeSome(audit, 20)
  await audit.flush(waitMs)
  await audit.close()
  expect(scene.logged).toEqual(["first", ...ids])
  expect(scene.port.audits).toHaveLength(1)
})
