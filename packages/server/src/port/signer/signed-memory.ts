import { existsSync, readFileSync } from "node:fs"
import { formatBase64, PosternError, parseBase64 } from "@postern/log/base"
import { replaceFile } from "../../disk/index.ts"
import type { Signer } from "./signer.ts"

/** What was signed last, as it is remembered away from the log (docs/spec/disk.md). */
interface Signed {
  readonly origin: string
  readonly size: number
  /** Base64. */
  readonly root: string
}

/**
 * A signer that writes down what it is about to sign in a file on other storage, synced, and signs nothing that contradicts what
 * stands there: a log directory that was restored with everything in it does not fork.
 * @param size of the log that was recovered
 * @throws PosternError LOG_ROLLED_BACK if the file remembers a larger one · CONFIG_INVALID if it cannot be read
 */
export function withSignedMemory(signer: Signer, file: string, size: number): Signer {
  let last = readMemory(file, signer.origin)
  if (last !== undefined && last.size > size) {
    const what = `${last.size} entries were signed, as ${file} remembers, and ${size} are here`
    throw new PosternError("LOG_ROLLED_BACK", what)
  }
  return {
    ...signer,
    async signCheckpoint(size, root) {
      const next = { origin: signer.origin, size, root: formatBase64(root) }
      demandConsistent(next, last)
      try {
        await replaceFile(file, `${JSON.stringify(next)}\n`)
      } catch (cause) {
        throw new PosternError("SIGNER_UNAVAILABLE", `${file} cannot be written`, { cause })
      }
      last = next
      return signer.signCheckpoint(size, root)
    },
  }
}

function demandConsistent(next: Signed, last: Signed | undefined): void {
  if (last === undefined || next.size > last.size) return
  if (next.size === last.size && next.root === last.root) return
  const what = `size ${last.size} was signed before with root ${last.root}`
  throw new PosternError("LOG_ROLLED_BACK", `${what}; asked for is size ${next.size}, ${next.root}`)
}

/** Undefined before the first signature. */
function readMemory(file: string, origin: string): Signed | undefined {
  if (!existsSync(file)) return undefined
  const found = parsed(readFileSync(file, "utf8"))
  const { size, root } = Object(found) as Partial<Signed>
  const whole = Number.isSafeInteger(size) && typeof root === "string"
  if (!whole || parseBase64(root)?.length !== 32) {
    throw new PosternError("CONFIG_INVALID", `signedMemory: ${file} cannot be read`)
  }
  if (Object(found).origin === origin) return { origin, size: size as number, root }
  throw new PosternError("CONFIG_INVALID", `signedMemory: ${file} is that of another log`)
}

/** Undefined for anything that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
