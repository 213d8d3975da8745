import { PosternError } from "@postern/log/base"
import {
  checkCosignature,
  type NoteSignature,
  type PolicyWitness,
  parseSignatureLines,
} from "@postern/log/tlog"

/** A cosignature whose time is further from the port's clock is not counted. */
const clockSecondsMax = 300

/** Cosignatures that are right, and when the latest of them was made: seconds since 1970. */
export interface CheckedLines {
  readonly own: readonly NoteSignature[]
  readonly time: number
}

/**
 * Checks what a witness is said to have answered, over the text that the port signed. Only lines of
 * this witness's key are looked at, and one that is wrong spoils the answer.
 * @throws PosternError NOTE_INVALID · WITNESS_ANSWER_INVALID
 */
export async function checkLines(
  { name, vkey }: PolicyWitness,
  text: string,
  lines: string,
): Promise<CheckedLines> {
  const own = parseSignatureLines(lines).filter(
    (line) => line.name === vkey.name && line.keyId === vkey.keyId,
  )
  demandAnswer(own.length > 0, `no line of ${name}`)
  demandAnswer(vkey.algorithm === "ed25519", `${name} has a key that cannot be checked`)
  let time = 0
  for (const { signature } of own) {
    time = Math.max(time, await checkCosignature(vkey, text, signature))
  }
  return { own, time }
}

/**
 * @param time of its cosignature, seconds
 * @param now seconds since 1970
 * @throws PosternError WITNESS_ANSWER_INVALID
 */
export function demandNear({ name }: PolicyWitness, time: number, now: number): void {
  const away = Math.round(time - now)
  const near = Math.abs(away) <= clockSecondsMax
  demandAnswer(near, `the clock of ${name} is ${away} seconds from this one`)
}

function demandAnswer(holds: boolean, detail: string): void {
  if (!holds) throw new PosternError("WITNESS_ANSWER_INVALID", detail)
}
