/** The application of the bench, as a process of its own: `node application.ts PROFILE SPOOL SPOOL_BYTES RATE`. */
import { connect } from "@postern/client"

/** What the application says of itself when it is asked. */
export interface ApplicationWord {
  readonly written: number
  /** Events that are neither acknowledged nor told as lost. */
  readonly pending: number
  readonly dropped: number
  readonly connected: boolean
}

const tickMs = 1
const flushMs = 60_000

async function run([profile = "", directory = "", bytes = "", perSecond = ""]: readonly string[]) {
  const audit = await connect(profile, {
    spool: { directory, bytesMax: Number(bytes) },
    onProblem: () => undefined,
  })
  const rate = Number(perSecond)
  const began = performance.now()
  let written = 0
  let isOver = false
  const turn = (): void => {
    if (isOver) return
    const due = Math.floor(((performance.now() - began) * rate) / 1000)
    for (; written < due; written++) audit("invoice.deleted", details(written))
    setTimeout(turn, tickMs)
  }
  const word = (): ApplicationWord => {
    const { pendingEvents: pending, dropped, connected } = audit.status()
    return { written, pending, dropped, connected }
  }
  const finish = async (): Promise<void> => {
    isOver = true
    await audit.flush(flushMs)
    process.send?.(word())
    await audit.close()
    process.exit()
  }
  process.on("message", (message) => {
    if (message === "finish") return void finish()
    process.send?.(word())
  })
  turn()
}

/** About 330 bytes as an event; known by its number. */
function details(number: number) {
  return {
    actor: { type: "user", id: `user-${number % 1000}`, name: "Alice Example" },
    target: `invoice/${number}`,
    outcome: "success",
    request: { method: "DELETE", path: `/v1/invoices/${number}`, id: `req-${number}` },
    data: { application: number },
  } as const
}

await run(process.argv.slice(2))
