import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { equalBytes } from "@postern/log/base"
import { leafHash } from "@postern/log/tlog"
import { followLog } from "../../packages/server/dist/disk/index.js"
import { until, within } from "../support/waiting.ts"
import { watchChild } from "./cleanup.ts"

export interface FollowerState {
  /** Entries read so far, and how many were read once more. */
  readonly seen: number
  readonly lookedBack: number
  readonly head: number
  readonly faults: readonly string[]
}

const chunkBytes = 8 * 1024 * 1024

/** The programme's side of follower-main.ts. */
export class FollowerProcess {
  readonly #log: string
  readonly #file: string
  readonly #child: ChildProcess
  /** Entries whose hashes were compared already. */
  #compared = 0

  constructor(log: string, scratch: string) {
    this.#log = log
    this.#file = join(scratch, "seen")
    const main = new URL("./follower-main.ts", import.meta.url)
    this.#child = watchChild(fork(main, [log, this.#file], { stdio: "inherit" }))
  }

  /** Asks it how far it is, which it answers once it has read to the head. */
  async state(): Promise<FollowerState> {
    if (this.#child.exitCode !== null) throw new Error("the follower has ended")
    this.#child.send("state")
    const answer = once(this.#child, "message").then(([state]) => state as FollowerState)
    return within(answer, 20_000, "the answer of the follower")
  }

  /** Resolves once it has read everything; the head reaches it within moments. */
  async caughtUp(size: number): Promise<void> {
    await until(
      async () => (await this.state()).seen >= size || undefined,
      10_000,
      "the end of the log in the follower",
    )
  }

  /**
   * Compares what it saw with the log as it is now; to be asked after a recovery. `all` = from the beginning, not only
   * what is new since the last time.
   */
  async compare(all = false): Promise<{ seen: number; faults: string[] }> {
    const { seen, faults: told } = await this.state()
    const faults = [...told]
    const hashes = readFileSync(this.#file)
    const log = await followLog(this.#log)
    try {
      const { size } = log.head()
      if (size < seen) faults.push(`it saw ${seen} entries, the log has ${size}`)
      const end = Math.min(size, seen)
      for (let at = all ? 0 : this.#compared; at < end; ) {
        for (const leaf of await log.leaves(at, end, chunkBytes)) {
          const known = hashes.subarray(32 * at, 32 * at + 32)
          if (!equalBytes(leafHash(leaf), known)) faults.push(`entry ${at} is another one now`)
          at += 1
        }
      }
      this.#compared = end
    } finally {
      await log.close()
    }
    return { seen, faults }
  }

  stop(): void {
    this.#child.kill("SIGKILL")
  }
}
