import { appendFileSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { type Audit, connect } from "@postern/client"
import { formatReceiptFile } from "@postern/log/evidence"
import { pause } from "../support/waiting.ts"

export const action = "drill.done"
const burst = 20
/** Between two bursts: what counts here is that something is always under way, not how much. */
const pauseMs = 25

/** Applications under load: each event is confirmed, and its receipt kept, one a line, as an application would keep them. */
export class Writers {
  readonly receipts: string
  readonly #profile: string
  readonly #directory: string
  #audits: Audit[] = []
  #working: Promise<void>[] = []
  #stopped = false
  /** Indexes that were acknowledged, by the origin of the log that did. */
  readonly acknowledged = new Map<string, number[]>()
  made = 0

  constructor(directory: string, profile: string) {
    this.#directory = directory
    this.#profile = profile
    this.receipts = join(directory, "receipts")
    mkdirSync(this.receipts, { recursive: true })
  }

  async start(count: number): Promise<void> {
    this.#stopped = false
    for (let n = 0; n < count; n++) {
      const directory = join(this.#directory, `spool-${n}`)
      // What is wrong while everything is down is expected, and told by the checks.
      const options = { spool: { directory }, onProblem: () => undefined }
      const audit = await connect(this.#profile, options)
      this.#audits.push(audit)
      this.#working.push(this.#work(audit, n))
    }
  }

  async #work(audit: Audit, n: number): Promise<void> {
    const file = join(this.receipts, `writer-${n}.jsonl`)
    while (!this.#stopped) {
      const confirming = Array.from({ length: burst }, () => {
        this.made += 1
        return audit.confirm(action, { actor: `writer-${n}`, target: `thing/${this.made}` })
      })
      for (const settled of await Promise.allSettled(confirming)) {
        if (settled.status === "rejected") continue
        const { value } = settled
        appendFileSync(file, `${formatReceiptFile(value)}\n`)
        const origin = value.note.split("\n")[1] ?? ""
        const indexes = this.acknowledged.get(origin) ?? []
        indexes.push(value.index)
        this.acknowledged.set(origin, indexes)
      }
      await pause(pauseMs)
    }
  }

  count(origin: string): number {
    return this.acknowledged.get(origin)?.length ?? 0
  }

  /** What is not acknowledged stays in the spools. */
  async stop(closeMs: number): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#audits.map((audit) => audit.close(closeMs)))
    await Promise.all(this.#working)
    this.#audits = []
    this.#working = []
  }
}
