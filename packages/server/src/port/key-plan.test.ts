import { generateKeyPairSync } from "node:crypto"
import { encodeUtf8 } from "@postern/log/base"
import {
  formatKeyCertificateText,
  type KeyProof,
  keyActions,
  rootKeyName,
} from "@postern/log/evidence"
import { formatCheckpoint, signNote } from "@postern/log/tlog"
import { expect, test } from "vitest"
import { type ConfiguredKeys, type KeyHistory, planKeys } from "./key-plan.ts"
import { openKeyFile } from "./signer/index.ts"

const origin = "keys.test/log"
function signerNamed(name: string) {
  const { privateKey } = generateKeyPairSync("ed25519")
  const { vkey, signer } = openKeyFile(
    name,
    String(privateKey.export({ type: "pkcs8", format: "pem" })),
  )
  return { ...signer, vkey }
}
const [a, b, c] = [signerNamed(origin), signerNamed(origin), signerNamed(origin)]
const root = signerNamed(rootKeyName(origin))

const certificate = (next: typeof a, by: typeof a) =>
  signNote(formatKeyCertificateText(origin, next.vkey), by)
const note = (...by: (typeof a)[]) =>
  signNote(formatCheckpoint({ origin, size: 3, root: new Uint8Array(32) }), ...by)

/** Only what the entry says is looked at. */
function proofOf(action: string, data: object): KeyProof {
  const stamp = '{"r":1,"o":0,"q":0,"n":"AAAAAAAAAAAAAAAAAAAAAA"}'
  const event = JSON.stringify({ source: `postern://${origin}`, action, data })
  return { note: "", index: 0, leaf: encodeUtf8(`${stamp}\n${event}`), path: [] }
}
const rolled = (old: typeof a, next: typeof a, reason = "planned") =>
  proofOf(keyActions.rolled, { old: old.vkey, new: next.vkey, certificate: "", reason })
const retired = (key: typeof a) => proofOf(keyActions.retired, { vkey: key.vkey })

const nothing: KeyHistory = {
  origin,
  proofs: [],
  begun: undefined,
  before: undefined,
  checkpoint: undefined,
}
const keys = (vkey: string, more: Partial<ConfiguredKeys> = {}): ConfiguredKeys => ({
  vkey,
  retiring: undefined,
  certificate: undefined,
  rootVkey: undefined,
  ...more,
})

test("a log without a past takes any key, one with a past the key that signed it", async () => {
  const same = { roll: undefined, together: false, retire: [] }
  expect(await planKeys(nothing, keys(a.vkey))).toMatchObject(same)
  const signed = { ...nothing, before: a.vkey, checkpoint: await note(a) }
  expect(await planKeys(signed, keys(a.vkey))).toMatchObject({ ...same, live: [a.vkey] })
  await expect(planKeys(signed, keys(b.vkey))).rejects.toMatchObject({ code: "LOG_KEY_UNKNOWN" })
  const lost = { ...signed, before: undefined }
  await expect(planKeys(lost, keys(b.vkey))).rejects.toMatchObject({ code: "LOG_KEY_UNKNOWN" })
})

test("a new key beside the old one is a change that the old one certifies", async () => {
  const signed = { ...nothing, before: a.vkey, checkpoint: await note(a) }
  const plan = await planKeys(signed, keys(b.vkey, { retiring: a.vkey }))
  expect(plan).toMatchObject({
    roll: { old: a.vkey, reason: "planned", certificate: undefined },
    together: true,
    retire: [],
  })
  const given = await certificate(b, a)
  const told = keys(b.vkey, { retiring: a.vkey, certificate: given })
  expect((await planKeys(signed, told)).roll?.certificate).toBe(given)
  const alone = planKeys(signed, keys(b.vkey, { certificate: given }))
  await expect(alone).rejects.toThrow("retiringLogKey")
})

test("a key that was handed out and never signed is changed like any other", async () => {
  const plan = await planKeys(nothing, keys(b.vkey, { retiring: a.vkey }))
  expect(plan).toMatchObject({ roll: { old: a.vkey, reason: "planned" }, together: true })
  const successor = { ...nothing, before: root.vkey }
  const begun = await planKeys(successor, keys(b.vkey, { retiring: a.vkey }))
  expect(begun).toMatchObject({ roll: undefined, together: false })
})

test("a certificate by a stranger, or for another key, is none", async () => {
  const signed = { ...nothing, before: a.vkey, checkpoint: await note(a) }
  for (const wrong of [
    await certificate(b, c),
    await certificate(c, a),
    await certificate(b, root),
  ]) {
    const told = keys(b.vkey, { retiring: a.vkey, certificate: wrong })
    await expect(planKeys(signed, told)).rejects.toMatchObject({ code: "LOG_KEY_UNKNOWN" })
  }
})

test("the root key replaces a key that is not here any more", async () => {
  const signed = { ...nothing, before: a.vkey, checkpoint: await note(a) }
  const told = { certificate: await certificate(b, root), rootVkey: root.vkey }
  expect(await planKeys(signed, keys(b.vkey, told))).toMatchObject({
    roll: { old: a.vkey, reason: "compromised" },
    together: false,
  })
})

test("once it is proven, the change is over; the old key ends when it is not named any more", async () => {
  const past = { ...nothing, proofs: [rolled(a, b)], before: b.vkey, checkpoint: await note(b, a) }
  const both = await planKeys(past, keys(b.vkey, { retiring: a.vkey }))
  expect(both).toMatchObject({ roll: undefined, together: true, retire: [] })
  const alone = await planKeys(past, keys(b.vkey))
  expect(alone).toMatchObject({ roll: undefined, together: false, retire: [a.vkey] })
  const over = { ...past, proofs: [rolled(a, b), retired(a)] }
  expect(await planKeys(over, keys(b.vkey, { retiring: a.vkey }))).toMatchObject({
    together: false,
    retire: [],
    live: [b.vkey],
  })
  await expect(planKeys(over, keys(a.vkey, { retiring: b.vkey }))).rejects.toThrow("before")
  const stolen = { ...past, proofs: [rolled(a, b, "compromised")] }
  expect(await planKeys(stolen, keys(b.vkey))).toMatchObject({ retire: [] })
})

test("a change that was begun is gone on with, and with nothing else", async () => {
  const begun = { old: a.vkey, new: b.vkey }
  const past = { ...nothing, begun, before: b.vkey, checkpoint: await note(a) }
  const again = await planKeys(past, keys(b.vkey, { retiring: a.vkey }))
  expect(again.roll).toMatchObject({ old: a.vkey, reason: "planned" })
  for (const other of [a, c]) {
    const going = planKeys(past, keys(other.vkey, { retiring: a.vkey }))
    await expect(going).rejects.toThrow("not finished")
  }
})

test("a change that is proven is over, even if the word that it was begun is still there", async () => {
  const begun = { old: a.vkey, new: b.vkey }
  const past = { ...nothing, begun, proofs: [rolled(a, b)], before: b.vkey }
  const plan = await planKeys(past, keys(b.vkey, { retiring: a.vkey }))
  expect(plan).toMatchObject({ roll: undefined, together: true, retire: [] })
  const next = await planKeys(past, keys(c.vkey, { retiring: b.vkey }))
  expect(next.roll).toMatchObject({ old: b.vkey, reason: "planned" })
})
