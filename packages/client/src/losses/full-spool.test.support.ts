import { isPosternError } from "@postern/log/base"
import { FakePort } from "../writer/fake-port.test.support.ts"
import type { Audit, Problem } from "../writer/index.ts"
import { makeDirectory, remove } from "../writer/spool.test.support.ts"
import { connect } from "./index.ts"

const filling = "z.z"
const flushMs = 3_600_000

/** A writer whose spool throws when it is full, and is: its port is away. */
export class FullSpool {
  readonly audit: Audit
  readonly problems: Problem[]
  readonly #port: FakePort
  readonly #directory: string

  static async begin(): Promise<FullSpool> {
    const port = await FakePort.start()
    const profile = port.profile()
    await port.stop()
    const directory = makeDirectory()
    const problems: Problem[] = []
    const spool = { directory, bytesMax: 256 * 1024, whenFull: "throw" } as const
    const onProblem = (problem: Problem) => {
      if (problem.code === "SPOOL_FULL") problems.push(problem)
    }
    const audit = await connect(profile, { spool, onProblem })
    // What was written takes less room than was held ready for it.
    for (let taken = -1; taken < audit.status().taken; ) {
      taken = audit.status().taken
      for (const bytes of [30_000, 1_000, 0]) fill(audit, bytes)
      await audit.spooled()
    }
    return new FullSpool(audit, problems, port, directory)
  }

  private constructor(audit: Audit, problems: Problem[], port: FakePort, directory: string) {
    this.audit = audit
    this.problems = problems
    this.#port = port
    this.#directory = directory
  }

  /** Resolves when so many losses were told. */
  async told(losses: number): Promise<void> {
    while (this.problems.length < losses) await nextTurn()
  }

  /** The port is there again, and has everything. */
  async empty(): Promise<void> {
    await this.#port.listen()
    await this.audit.flush(flushMs)
  }

  /** What the log has behind that which filled the spool: actions, and how many events were lost between them. */
  async logged(): Promise<string[]> {
    await this.audit.flush(flushMs)
    const events = this.#port.entries.map(({ sequence, event }) => {
      return { sequence, action: (JSON.parse(event) as { action: string }).action, lost: 0 }
    })
    const gaps = [...this.#port.streams.values()].flatMap(({ gaps }) => gaps)
    const lost = gaps.map(({ sequence, count }) => ({ sequence, action: "", lost: count }))
    const texts: string[] = []
    let open = 0
    const sayGap = (): void => {
      if (open > 0) texts.push(`lost ${open}`)
      open = 0
    }
    for (const one of [...events, ...lost].sort((a, b) => a.sequence - b.sequence)) {
      open += one.lost
      if (one.action === "" || one.action === filling) continue
      sayGap()
      texts.push(one.action)
    }
    sayGap()
    return texts
  }

  async end(): Promise<void> {
    await this.audit.close(0)
    await this.#port.stop()
    remove(this.#directory)
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function fill(audit: Audit, bytes: number): void {
  try {
    for (;;) audit(filling, { actor: "a", ...(bytes > 0 && { data: { x: "x".repeat(bytes) } }) })
  } catch (error) {
    if (!isPosternError(error) || error.code !== "SPOOL_FULL") throw error
  }
}
