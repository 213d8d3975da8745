/** A port whose log key changes, as docs/spec/keys.md says: entries, certificates and proofs. */
import { encodeUtf8 } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import {
  formatKeyCertificateText,
  formatKeyProofs,
  type KeyProof,
  keyActions,
  rootKeyName,
} from "@postern/log/evidence"
import { signNote } from "@postern/log/tlog"
import { createSigner, type FakePort, type FakeSigner, origin } from "./fake-port.test.support.ts"

export class FakeKeys {
  readonly rootKey = createSigner(rootKeyName(origin))
  readonly #port: FakePort
  /** What it tells writers: all of it, until a test takes something away. */
  proofs: KeyProof[] = []

  constructor(port: FakePort) {
    this.#port = port
    port.keys = (from) => {
      const told = this.proofs.filter(({ index }) => index >= from)
      return told.length === 0 ? undefined : formatKeyProofs(told)
    }
  }

  /** A new key, which signs beside the old one; or, by the root key, in its place. */
  async roll(reason: "planned" | "compromised" = "planned"): Promise<FakeSigner> {
    const [old] = this.#port.signers as [FakeSigner]
    const next = createSigner(origin)
    const by = reason === "planned" ? old : this.rootKey
    const certificate = await signNote(formatKeyCertificateText(origin, next.vkey), by)
    const data = { old: old.vkey, new: next.vkey, certificate, reason }
    await this.#change(keyActions.rolled, data, reason === "planned" ? [next, old] : [next])
    return next
  }

  /** The newest key signs alone. */
  async retire(): Promise<void> {
    const [newest, old] = this.#port.signers as [FakeSigner, FakeSigner]
    await this.#change(keyActions.retired, { vkey: old.vkey }, [newest])
  }

  async #change(action: string, data: Record<string, unknown>, signers: FakeSigner[]) {
    const port = this.#port
    const leaf = leafOf(action, data)
    const index = port.put(leaf)
    port.signers = signers
    await port.certify()
    const size = index + 1
    const path = await port.pathOf(index, size)
    this.proofs.push({ note: await port.checkpoint(size), index, leaf, path })
  }
}

function leafOf(action: string, data: Record<string, unknown>): Uint8Array {
  const nonce = new Uint8Array(16)
  const stamp = formatStamp({ received: 0, open: 0, sequence: 0, nonce, changed: 0 })
  const about = { id: "key", time: "2026-11-22T12:00:00Z", source: `postern://${origin}` }
  const actor = { type: "system", id: "port" }
  const event = { ...about, action, outcome: "success", actor, targets: [], data }
  return encodeUtf8(`${stamp}\n${JSON.stringify(event)}`)
}
