import { isPosternError } from "@postern/log/base"
import { decodeCosignature, parseCheckpoint, parseNote } from "@postern/log/tlog"
import type { Desk } from "./desk.ts"

/** Whose cosignatures stand under the newest witnessed checkpoint. They are not checked here: this process pins no witness. */
export async function readWitnesses({ world: { view, now } }: Desk) {
  const note = await view.witnessed()
  if (note === undefined) return []
  const { text, signatures } = parseNote(note)
  const { size } = parseCheckpoint(text)
  return signatures.flatMap(({ name, signature }) => {
    const seconds = name === view.origin ? undefined : timeOf(signature)
    if (seconds === undefined) return []
    return [{ name, size, at: seconds * 1_000_000, age: Math.max(0, now() / 1000 - seconds) }]
  })
}

/** Undefined for a signature line that is no cosignature. */
function timeOf(signature: Uint8Array): number | undefined {
  try {
    return decodeCosignature(signature).time
  } catch (error) {
    if (!isPosternError(error)) throw error
    return undefined
  }
}
