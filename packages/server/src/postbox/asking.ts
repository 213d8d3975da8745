import { randomBytes } from "node:crypto"
import { mkdirSync } from "node:fs"
import { readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { replaceFile } from "../disk/index.ts"
import { bounds, formatAsk, idPattern, openAnswer, readLetter } from "./letter.ts"

/** The side that asks. */
export interface Asking {
  /**
   * Asks, and resolves to the answer's body, which is as unchecked as anything that another process says.
   * @param kind lower-case letters and hyphens, at most 32
   * @param body what JSON can say; the file is at most 64 KiB
   * @throws PosternError what the answerer threw · UNANSWERED in `withinMs` (at most a minute) · OVERLOADED if too much is
   *   being asked · REQUEST_INVALID · DISK_FULL
   */
  ask(kind: string, body: unknown, withinMs: number): Promise<unknown>
  /** What is being asked is given up. */
  close(): void
}

const lookMs = 50

/**
 * @param own the directory of this process below data/state; it is made if it is missing
 * @param answerer the directory of the process that is asked
 */
export function openAsking(own: string, answerer: string): Asking {
  const asks = join(own, "asks")
  const answers = join(answerer, "answers")
  mkdirSync(asks, { recursive: true, mode: 0o750 })
  let open = 0
  let closed = false
  const cleaned = removeOld(asks)
  // Whoever asks is told; nobody may.
  cleaned.catch(() => undefined)

  async function awaitAnswer(id: string, withinMs: number): Promise<unknown> {
    const end = performance.now() + Math.min(withinMs, bounds.ageMaxMs)
    for (;;) {
      const letter = await readLetter(join(answers, id))
      if (letter !== undefined) return openAnswer(letter.bytes)
      if (closed || performance.now() > end) throw new PosternError("UNANSWERED")
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  }

  return {
    async ask(kind, body, withinMs) {
      const text = formatAsk({ kind, body })
      if (open >= bounds.asksMax) throw new PosternError("OVERLOADED", "too much is being asked")
      open += 1
      const id = randomBytes(16).toString("hex")
      const path = join(asks, id)
      try {
        await cleaned
        await replaceFile(path, text)
        return await awaitAnswer(id, withinMs)
      } finally {
        open -= 1
        await rm(path, { force: true })
      }
    },
    close() {
      closed = true
    },
  }
}

/** What an earlier life left. A young one may belong to a command that runs beside this one. */
async function removeOld(asks: string): Promise<void> {
  for (const name of await readdir(asks)) {
    const path = join(asks, name)
    if (!idPattern.test(name.replace(/\.new$/, ""))) continue
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now())
    if (age > bounds.ageMaxMs) await rm(path, { force: true })
  }
}
