import { readFileSync } from "node:fs"
import { join } from "node:path"
import { checkProofFile, parsePolicy, parseProofFile } from "@postern/log/tlog"
import type { AuditAnswer } from "@postern/log/wire"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { createWitness } from "./witness.test.support.ts"
import { hastyWorld, Scene, writeSome } from "./writer.test.support.ts"

const auditing = hastyWorld(50)

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const witness = createWitness()
const policy = () => `log ${scene.port.logKey.vkey}\n${witness.policy}`
const connect = () => scene.connect({ world: auditing }, scene.port.profile({ policy: policy() }))
const published = { wait: "published" } as const
const witnessed = { wait: "witnessed" } as const

/** A log that grows by this much with each question, and a witness that is three questions behind. */
function lag(entries: number, change: (answer: AuditAnswer) => AuditAnswer = (answer) => answer) {
  const { port } = scene
  const world = { cosigns: true, wentBack: 0 }
  port.manners.missay = async (answer) => {
    const question = port.audits.at(-1)
    for (let i = 0; i < entries; i++) port.put(new Uint8Array([i]))
    const size = port.leafHashes.length - 3 * entries
    if (question?.witnessed !== true || !world.cosigns || size <= 0) return answer
    if (size < question.seen) world.wentBack += 1
    const behind = await port.answer(question, size)
    return change({ ...behind, note: await witness.cosign(behind.note) })
  }
  return world
}

describe("confirm() with witnesses", () => {
  it("resolves while the log grows faster than they are", async () => {
    const world = lag(20)
    const audit = await connect()
    writeSome(audit, 100)
    const { index: seen } = await audit.confirm("a.b", { actor: "a" }, published)
    const kept = () =>
      Number(readFileSync(join(scene.directory, "checkpoint"), "utf8").split("\n")[1])
    const before = kept()
    const { proof = "", leaf, index } = await audit.confirm("a.b", { actor: "a" }, witnessed)
    const opened = await checkProofFile(parseProofFile(proof), leaf, parsePolicy(policy()))
    expect(opened.quorumMet).toBe(true)
    expect(opened.checkpoint.size).toBeLessThan(scene.port.leafHashes.length)
    expect(index).toBeGreaterThan(seen)
    // At least one answer was older than what was believed by then.
    expect(world.wentBack).toBeGreaterThan(0)
    expect(kept()).toBeGreaterThan(before)
    await audit.close()
    expect(scene.port.doubts).toEqual([])
    expect(scene.codes).not.toContain("PROOF_INVALID")
  })

  it("asks for what witnesses stand behind only where somebody waits for them", async () => {
    const audit = await connect()
    await audit.confirm("a.b", { actor: "a" }, published)
    expect(scene.port.audits.every((question) => question.witnessed === undefined)).toBe(true)
  })

  it("waits while none of them cosigns, and lets others go first who do not need it", async () => {
    const world = lag(0)
    world.cosigns = false
    const audit = await connect()
    let isDone = false
    const waiting = audit.confirm("a.b", { actor: "a" }, witnessed).then(() => {
      isDone = true
    })
    for (let i = 0; i < 3; i++) await audit.confirm("a.b", { actor: "a" }, published)
    expect(isDone).toBe(false)
    world.cosigns = true
    await waiting
  })

  it("doubts a cosigned checkpoint of another history than the one it believes", async () => {
    const audit = await connect()
    writeSome(audit, 10)
    await audit.confirm("a.b", { actor: "a" }, published)
    lag(0, (answer) => ({ ...answer, consistency: [...answer.consistency, new Uint8Array(32)] }))
    const waiting = audit.confirm("a.b", { actor: "a" }, witnessed)
    await expect(waiting).rejects.toMatchObject({ code: "PROOF_INVALID" })
    await scene.port.until(() => scene.port.doubts.length > 0)
    await audit.close()
  })
})
