import { describe, expect, test } from "vitest"
import { formatCheckpoint, parsePolicy, signNote } from "../tlog/index.ts"
import { origin, strangeKey, witnessOf } from "./evidence-log.test.support.ts"
import {
  formatKeyProofs,
  type KeyProof,
  KeyTrust,
  openKeyTrust,
  parseKeyProof,
  parseKeyProofs,
  pinnedPolicy,
} from "./index.ts"
import { type Key, KeyLog, keyA, keyB, keyC, type Roll, rootKey } from "./key-log.test.support.ts"

const pinned = (...keys: readonly Key[]) => pinnedPolicy(keys.map(({ vkey }) => vkey))
const held = (trust: KeyTrust) => trust.keys.map(({ vkey, bound }) => [vkey, bound])

/** A→B, B in use beside A, A retired, B→C. */
async function story() {
  const log = new KeyLog()
  const proofs: KeyProof[] = []
  const roll = await log.roll(keyA, keyB)
  log.grow(2)
  proofs.push(await log.proof(roll, [keyB, keyA]))
  log.grow(5)
  const retired = log.retire(keyA)
  proofs.push(await log.proof(retired, [keyB]))
  log.grow(1)
  const again = await log.roll(keyB, keyC)
  proofs.push(await log.proof(again, [keyC, keyB]))
  log.grow(4)
  return { log, proofs, retired }
}

describe("whoever pinned a key", () => {
  test("gets from the oldest to the newest, and no further with one that was retired", async () => {
    const { log, proofs, retired } = await story()
    const trust = await openKeyTrust(pinned(keyA), origin, proofs)
    expect(held(trust)).toEqual([
      [keyA.vkey, retired],
      [keyB.vkey, undefined],
      [keyC.vkey, undefined],
    ])
    expect(await trust.openCheckpoint(await log.note([keyC]))).toMatchObject({ logVkey: keyC.vkey })
    const old = await log.note([keyA], [], retired)
    expect((await trust.openCheckpoint(old)).checkpoint.size).toBe(retired)
    const backdated = log.note([keyA], [], retired + 1)
    await expect(trust.openCheckpoint(await backdated)).rejects.toThrow("a key that ended")
    const both = await log.note([keyA, keyC])
    expect(await trust.openCheckpoint(both)).toMatchObject({ logVkey: keyC.vkey })
  })

  test("may have pinned a later one: what was before it is passed over", async () => {
    const { log, proofs } = await story()
    for (const [key, names] of [
      [keyB, [keyB, keyC]],
      [keyC, [keyC]],
    ] as const) {
      const trust = await openKeyTrust(pinned(key), origin, proofs)
      expect(held(trust)).toEqual(names.map(({ vkey }) => [vkey, undefined]))
      await trust.openCheckpoint(await log.note([keyC]))
    }
  })

  test("may be told the same again, in parts, and never gives a key back what it lost", async () => {
    const { log, proofs } = await story()
    const trust = await openKeyTrust(pinned(keyA), origin, proofs)
    const before = held(trust)
    for (const proof of [...proofs, ...proofs.slice(1)]) await trust.learn(proof)
    expect(held(trust)).toEqual(before)
    const back = await log.roll(keyC, keyA)
    await trust.learn(await log.proof(back, [keyA, keyC]))
    expect(held(trust)).toEqual(before)
    log.grow(1)
    await expect(trust.openCheckpoint(await log.note([keyA]))).rejects.toThrow("a key that ended")
  })

  test("of another log only, learns nothing that would make it believe", async () => {
    const { log, proofs } = await story()
    const trust = await openKeyTrust(pinned(strangeKey), origin, proofs)
    expect(held(trust)).toEqual([[strangeKey.vkey, undefined]])
    await expect(trust.openCheckpoint(await log.note([keyC]))).rejects.toMatchObject({
      code: "NOTE_INVALID",
    })
  })
})

describe("a change is refused", () => {
  const cases: [about: string, roll: Roll, signers: readonly Key[], says: string][] = [
    ["if its checkpoint is by the new key alone", {}, [keyB], "no signature"],
    ["if it names another key than the certificate", { certified: keyC }, [keyA], "another key"],
    ["if the old key says of itself that it was stolen", { reason: "compromised" }, [keyA], "root"],
  ]
  test.each(cases)("%s", async (_, roll, signers, says) => {
    const log = new KeyLog()
    const index = await log.roll(keyA, keyB, roll)
    const trust = new KeyTrust(pinned(keyA), origin)
    const proof = await log.proof(index, signers)
    await expect(trust.learn(proof)).rejects.toMatchObject({ code: "KEY_CHANGE_INVALID" })
    await expect(trust.learn(proof)).rejects.toThrow(says === "no signature" ? /known|key/ : says)
    expect(held(trust)).toEqual([[keyA.vkey, undefined]])
  })

  test("by a stranger after a change that was believed, and by a root key that nobody pinned", async () => {
    const { log, proofs } = await story()
    for (const by of [strangeKey, rootKey]) {
      const trust = await openKeyTrust(pinned(keyA), origin, proofs)
      const index = await log.roll(keyC, strangeKey, { by })
      const learning = trust.learn(await log.proof(index, [strangeKey, keyC]))
      await expect(learning).rejects.toMatchObject({ code: "KEY_CHANGE_INVALID" })
    }
  })

  test("in a tree that does not hold it, and in one that only a retired key signed", async () => {
    const { log, proofs } = await story()
    const [roll, retired] = proofs as [KeyProof, KeyProof]
    const trust = new KeyTrust(pinned(keyA), origin)
    for (const wrong of [
      { ...roll, path: roll.path.slice(1) },
      { ...roll, index: roll.index + 1 },
      { ...roll, leaf: retired.leaf },
    ]) {
      await expect(trust.learn(wrong)).rejects.toMatchObject({ code: "KEY_CHANGE_INVALID" })
    }
    await trust.learn(roll)
    await trust.learn(retired)
    const stolen = await log.roll(keyA, strangeKey)
    const late = await log.proof(stolen, [keyA])
    await expect(trust.learn(late)).rejects.toThrow("a key that ended")
  })

  test("without the quorum that the policy asks for", async () => {
    const witness = witnessOf("witness.example/a", 21)
    const policy = parsePolicy(`log ${keyA.vkey}\nwitness a ${witness.witnessVkey}\nquorum a\n`)
    const log = new KeyLog()
    const index = await log.roll(keyA, keyB)
    const bare = await log.proof(index, [keyA, keyB])
    await expect(new KeyTrust(policy, origin).learn(bare)).rejects.toThrow("quorum")
    const cosigned = await log.proof(index, [keyA, keyB], [witness])
    expect(await new KeyTrust(policy, origin).learn(cosigned)).toMatchObject({ new: keyB.vkey })
  })

  test("that is no entry of the log's own about a key", async () => {
    const log = new KeyLog()
    const trust = new KeyTrust(pinned(keyA), origin)
    log.log.own("postern.key.rolled", {
      old: keyA.vkey,
      new: "x",
      certificate: "",
      reason: "planned",
    })
    log.log.own("postern.key.retired", { vkey: signedElsewhere.vkey })
    for (let index = 0; index < log.size; index++) {
      const learning = trust.learn(await log.proof(index, [keyA]))
      await expect(learning).rejects.toMatchObject({ code: "KEY_CHANGE_INVALID" })
    }
  })
})

const signedElsewhere = rootKey

describe("a root key", () => {
  test("replaces a stolen key, whose checkpoints count up to there", async () => {
    const log = new KeyLog()
    const index = await log.roll(keyA, keyB, { by: rootKey, reason: "compromised" })
    const trust = await openKeyTrust(pinned(keyA, rootKey), origin, [
      await log.proof(index, [keyB]),
    ])
    expect(held(trust)).toEqual([
      [keyA.vkey, index],
      [keyB.vkey, undefined],
    ])
    await expect(trust.openCheckpoint(await log.note([keyA]))).rejects.toThrow("a key that ended")
  })

  test("signs no checkpoint, of its own name either", async () => {
    const log = new KeyLog()
    const trust = new KeyTrust(pinned(keyA, rootKey), origin)
    const text = formatCheckpoint({ origin: rootKey.name, size: 1, root: new Uint8Array(32) })
    for (const note of [await log.note([rootKey]), await signNote(text, rootKey)]) {
      await expect(trust.openCheckpoint(note)).rejects.toMatchObject({ code: "NOTE_INVALID" })
    }
  })
})

describe("proofs as text", () => {
  test("are read as they were written, and nothing else is", async () => {
    const { proofs } = await story()
    const text = formatKeyProofs(proofs)
    expect(parseKeyProofs(text)).toEqual(proofs)
    expect(parseKeyProofs("")).toEqual([])
    const [line = ""] = text.split("\n")
    expect(parseKeyProof(line.replaceAll("—", "\\u2014"))).toEqual(proofs[0])
    for (const wrong of [
      line.replace('"index"', '"more":1,"index"'),
      line.replace('"index":', '"index":0'),
      line.replace('"path":[', '"path":[ '),
      line.replace('"path":[', '"path":["AAAA",'),
      line.replace('"leaf":"e', '"leaf":"\\u0065'),
      `${line} `,
    ]) {
      expect(parseKeyProof(wrong), wrong).toBeUndefined()
    }
    const lines = text.split("\n").slice(0, -1).reverse()
    for (const wrong of [lines.map((one) => `${one}\n`).join(""), text.slice(0, -1), "\n"]) {
      expect(() => parseKeyProofs(wrong)).toThrow("a change of the log key")
    }
  })
})
