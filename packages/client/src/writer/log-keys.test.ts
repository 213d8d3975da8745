import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  checkReceipt,
  formatReceiptFile,
  type KeyProof,
  parseKeyProofs,
} from "@postern/log/evidence"
import { parseNote, signNote } from "@postern/log/tlog"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { FakeKeys } from "./fake-keys.test.support.ts"
import { createSigner, origin } from "./fake-port.test.support.ts"
import { createWitness } from "./witness.test.support.ts"
import { hastyWorld, Scene, waitMs, writeSome } from "./writer.test.support.ts"

/** Time passes so fast that the log is looked after every half second. */
const auditing = hastyWorld(20)

let scene: Scene
let keys: FakeKeys
beforeEach(async () => {
  scene = await Scene.begin()
  keys = new FakeKeys(scene.port)
})
afterEach(() => scene.end())

/** Each is a process of its own: all that they have in common is the spool directory. */
const connect = (policy?: string) =>
  scene.connect({ world: auditing }, scene.port.profile(policy === undefined ? {} : { policy }))
const confirm = async (wait: "durable" | "published" = "durable", policy?: string) => {
  const audit = await connect(policy)
  try {
    return await audit.confirm("a.b", { actor: "a" }, { wait })
  } finally {
    await audit.close()
  }
}
const file = () => join(scene.directory, "keys")
const kept = () => parseKeyProofs(readFileSync(file(), "utf8"))
const problems = () => scene.codes.filter((code) => code !== "UNREACHABLE")
const rootPolicy = () => `log ${scene.port.logKey.vkey}\nlog ${keys.rootKey.vkey}\nquorum none\n`

describe("a writer that pinned the first key", () => {
  it("has proven receipts after each step of two changes, and under checkpoints of the newest", async () => {
    await confirm("published")
    for (let change = 1; change <= 2; change++) {
      await keys.roll()
      await confirm("published")
      await keys.retire()
      await confirm("published")
    }
    expect(problems()).toEqual([])
    expect(scene.port.doubts).toEqual([])
    expect(kept()).toEqual(keys.proofs)
    expect(keys.proofs).toHaveLength(4)
  })

  it("learns all of it at once, where it was away meanwhile", async () => {
    const next = await keys.roll()
    await keys.retire()
    const receipt = await confirm("published")
    expect(problems()).toEqual([])
    await checkReceipt(formatReceiptFile(receipt), next.vkey)
  })

  it("has none while it is told nothing, and delivers all the same", async () => {
    await keys.roll()
    await keys.retire()
    keys.proofs = []
    await expect(confirm()).rejects.toMatchObject({ code: "NOTE_INVALID" })
    expect(scene.port.entries).toHaveLength(1)
    expect(existsSync(file())).toBe(false)
  })

  it("remembers in the next process what it learned", async () => {
    await keys.roll()
    await keys.retire()
    await confirm()
    keys.proofs = []
    await confirm("published")
    expect(problems()).toEqual([])
  })

  it("believes no receipt key of a key that it knows to have ended, whatever it is told", async () => {
    const { signers } = scene.port
    await keys.roll()
    await keys.retire()
    await confirm()
    scene.port.signers = signers
    await scene.port.certify()
    keys.proofs = []
    await expect(confirm()).rejects.toMatchObject({ code: "NOTE_INVALID" })
  })

  it("follows the root key over a theft, told late, on the same connection", async () => {
    const policy = rootPolicy()
    const audit = await connect(policy)
    await audit.confirm("a.b", { actor: "a" })
    await scene.port.stop()
    await keys.roll("compromised")
    const { proofs } = keys
    keys.proofs = []
    await scene.port.listen()
    const early = audit.confirm("a.b", { actor: "a" })
    await expect(early).rejects.toMatchObject({ code: "NOTE_INVALID" })
    keys.proofs = proofs
    const asked = scene.port.audits.length
    writeSome(audit, 3)
    await audit.flush(waitMs)
    await scene.port.until(() => existsSync(file()) || scene.port.audits.length > asked + 3)
    await audit.confirm("a.b", { actor: "a" }, { wait: "published" })
    expect(scene.port.connections).toBe(2)
    expect(kept()).toEqual(proofs)
  })

  it("without the root key follows no theft", async () => {
    await keys.roll("compromised")
    await expect(confirm()).rejects.toMatchObject({ code: "NOTE_INVALID" })
    expect(existsSync(file())).toBe(false)
  })
})

it("a writer that pinned a later key passes over what was before, and follows the rest", async () => {
  const second = await keys.roll()
  await keys.retire()
  await keys.roll()
  await keys.retire()
  const audit = await scene.connect(
    { world: auditing },
    scene.port.profile({ log: { origin, vkey: second.vkey } }),
  )
  await audit.confirm("a.b", { actor: "a" }, { wait: "published" })
  expect(problems()).toEqual([])
  expect(kept()).toEqual(keys.proofs.slice(2))
})

describe("a proof that does not hold", () => {
  const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
  const resigned = async (note: string) => signNote(parseNote(note).text, createSigner(origin))
  const forgeries: Record<string, (proof: KeyProof) => Promise<KeyProof>> = {
    "of a leaf that is not in the log": async (proof) => ({
      ...proof,
      leaf: Buffer.from(Buffer.from(proof.leaf).toString().replace('"id":"key"', '"id":"kez"')),
    }),
    "with a wrong path": async (proof) => ({ ...proof, path: proof.path.map(flipped) }),
    "with a checkpoint that nobody signed who may": async (proof) => ({
      ...proof,
      note: await resigned(proof.note),
    }),
    "at another index": async (proof) => ({ ...proof, index: proof.index - 1 }),
    "of what is no entry": async (proof) => ({ ...proof, leaf: flipped(proof.leaf) }),
  }

  it.each(Object.keys(forgeries))(
    "%s is told, kept and said to the port; events go on",
    async (name) => {
      await confirm("published")
      await keys.roll()
      await keys.retire()
      const [rolled, retired] = keys.proofs as [KeyProof, KeyProof]
      keys.proofs = [await (forgeries[name] as (typeof forgeries)[string])(rolled), retired]
      // WELCOME says so, and nothing else does.
      scene.port.manners.answersAudits = false
      const audit = await connect()
      await expect(audit.confirm("a.b", { actor: "a" })).rejects.toMatchObject({
        code: "NOTE_INVALID",
      })
      await scene.port.until(() => scene.port.doubts.length > 0)
      expect(scene.port.doubts).toMatchObject([{ code: "KEY_CHANGE_INVALID" }])
      expect(problems()).toContain("KEY_CHANGE_INVALID")
      expect(existsSync(file())).toBe(false)
      const [doubt = "", ...more] = readdirSync(scene.directory).filter((n) =>
        n.startsWith("doubt-"),
      )
      expect(more).toEqual([])
      const told = JSON.parse(readFileSync(join(scene.directory, doubt), "utf8"))
      expect(parseKeyProofs(told.said.keys)).toHaveLength(2)
      const ids = writeSome(audit, 10)
      await audit.flush(waitMs)
      expect(scene.logged).toEqual(expect.arrayContaining(ids))
      // Once the port says what is true, it is believed again.
      keys.proofs = [rolled, retired]
      scene.port.manners.answersAudits = true
      await audit.close()
      await confirm("published")
    },
  )

  it("tells those who wait for a checkpoint, once they are told of it there", async () => {
    const audit = await connect()
    await audit.confirm("a.b", { actor: "a" })
    scene.port.keys = () => "no proof\n"
    const waiting = audit.confirm("a.b", { actor: "a" }, { wait: "published" })
    await expect(waiting).rejects.toMatchObject({ code: "KEY_CHANGE_INVALID" })
    scene.port.keys = () => undefined
    await audit.confirm("a.b", { actor: "a" }, { wait: "published" })
    await audit.close()
    expect(scene.port.doubts).toHaveLength(1)
  })

  it("which is remembered is told of, and left", async () => {
    await keys.roll()
    await confirm()
    const lines = readFileSync(file(), "utf8")
    writeFileSync(file(), lines.replace('"index":0', '"index":1'))
    await confirm("published")
    expect(problems()).toEqual(["SPOOL_DAMAGED"])
    expect(readFileSync(file(), "utf8")).toBe(lines)
  })

  it("which is remembered of another log is left in silence", async () => {
    await keys.roll()
    await confirm()
    const lines = readFileSync(file(), "utf8")
    writeFileSync(file(), lines.replace(`"note":"${origin}`, '"note":"another.test/log'))
    await confirm()
    expect(problems()).toEqual([])
  })
})

it("a proof that witnesses have not seen yet is waited for, and is no doubt", async () => {
  const witness = createWitness()
  const policy = rootPolicy().replace("quorum none\n", witness.policy)
  await keys.roll("compromised")
  await expect(confirm("durable", policy)).rejects.toMatchObject({ code: "NOTE_INVALID" })
  expect(scene.port.doubts).toEqual([])
  expect(problems()).not.toContain("KEY_CHANGE_INVALID")
  const [rolled] = keys.proofs as [KeyProof]
  const note = await witness.cosign(rolled.note)
  keys.proofs = [{ ...rolled, note }]
  await confirm("published", policy)
  expect(kept()).toEqual(keys.proofs)
})
