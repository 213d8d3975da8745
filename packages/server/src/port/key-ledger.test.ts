import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import { formatKeyProofs, type KeyProof, keyActions, parseKeyProofs } from "@postern/log/evidence"
import { decodeWelcome, encodeWelcome, keysLengthMax } from "@postern/log/wire"
import { afterEach, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { newSigner, origin } from "./commits.test.support.ts"
import { KeyLedger } from "./key-ledger.ts"

afterEach(removeDirectories)

const { vkey } = await newSigner()

/** As long as in a log of some million entries with three witnesses. */
function proofAt(index: number): KeyProof {
  const nonce = new Uint8Array(16)
  const stamp = formatStamp({ received: 0, open: 0, sequence: index, nonce, changed: 0 })
  const about = { id: "k", time: "2026-11-22T12:00:00Z", source: `postern://${origin}` }
  const actor = { type: "system", id: "port" }
  const data = { old: vkey, new: vkey, certificate: "c".repeat(300), reason: "planned" }
  const event = {
    ...about,
    action: keyActions.rolled,
    outcome: "success",
    actor,
    targets: [],
    data,
  }
  const leaf = encodeUtf8(`${stamp}\n${JSON.stringify(event)}`)
  const path = Array.from({ length: 24 }, () => new Uint8Array(32).fill(index))
  return { note: `${origin}\n9\nroot\n\n${`— ${"s".repeat(150)}\n`.repeat(4)}`, index, leaf, path }
}

async function openWith(proofs: readonly KeyProof[]): Promise<KeyLedger> {
  const directory = newDirectory()
  const state = join(directory, "state")
  mkdirSync(state, { recursive: true })
  if (proofs.length > 0) writeFileSync(join(directory, "keys"), formatKeyProofs(proofs))
  return KeyLedger.open({ origin, directory, state })
}

test("a log whose key never changed tells nothing of it", async () => {
  expect((await openWith([])).told(0)).toBeUndefined()
})

test("what does not fit into one frame is told by the next index, and nothing twice", async () => {
  const proofs = Array.from({ length: 40 }, (_, i) => proofAt(7 * i))
  const ledger = await openWith(proofs)
  const heard: KeyProof[] = []
  let frames = 0
  for (let next = 0; ; frames++) {
    const keys = ledger.told(next)
    if (keys === undefined) break
    expect(keys.length).toBeLessThanOrEqual(keysLengthMax)
    heard.push(...parseKeyProofs(keys))
    next = (heard.at(-1)?.index ?? 0) + 1
  }
  expect(heard).toEqual(proofs)
  expect(frames).toBeGreaterThan(2)
  expect(frames).toBeLessThan(8)
})

test("a WELCOME that tells as much as it may is within its bound", async () => {
  const ledger = await openWith(Array.from({ length: 40 }, (_, i) => proofAt(i)))
  const keys = ledger.told(0)
  const limits = { frameBytes: 1000, batchEvents: 10, entryBytes: 500 }
  const about = { origin, session: "s", credit: 1, certificate: "c".repeat(16_000), vkey, limits }
  expect(decodeWelcome(encodeWelcome({ ...about, keys }))).toEqual({ ...about, keys })
})
