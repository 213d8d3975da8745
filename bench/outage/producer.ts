/** What the agent is given, by a process of its own: lines into a file, bodies over HTTP. `node producer.ts FILE URL RATE`. */
import { closeSync, openSync, writeSync } from "node:fs"

/** What it has brought so far: lines that stand in the file, events that were answered with 200. */
export interface ProducerWord {
  readonly file: number
  readonly http: number
  /** Events that are due over HTTP and were not taken yet. */
  readonly httpDue: number
}

const lineBytes = 200
const tickMs = 10
const bodyEvents = 100
const filler = "The quick brown fox jumps over the lazy dog and on, GET /v1/invoices/4711 200 OK; "

async function run([path = "", url = "", perSecond = ""]: readonly string[]): Promise<void> {
  const rate = Number(perSecond)
  const file = openSync(path, "a")
  const began = performance.now()
  let lines = 0
  let isOver = false
  const write = (): void => {
    if (isOver) return
    const due = Math.floor(((performance.now() - began) * rate) / 1000)
    let text = ""
    for (; lines < due; lines++)
      text += `${`${lines} ${filler.repeat(3)}`.slice(0, lineBytes - 1)}\n`
    if (text !== "") writeSync(file, text)
    setTimeout(write, tickMs)
  }
  const posting = { events: 0 }
  const httpDue = (): number => {
    const due = Math.floor(((performance.now() - began) * rate) / 10_000)
    return Math.max(0, due - posting.events)
  }
  const posted = postAll(url, posting, httpDue, () => isOver)
  const word = (): ProducerWord => ({ file: lines, http: posting.events, httpDue: httpDue() })
  const finish = async (): Promise<void> => {
    isOver = true
    await posted
    closeSync(file)
    process.send?.(word())
    process.exit()
  }
  process.on("message", (message) => {
    if (message === "finish") return void finish()
    process.send?.(word())
  })
  write()
}

/** As a sender does that keeps what was not taken: the same body again when the agent said that it should come again. */
async function postAll(
  url: string,
  posting: { events: number },
  due: () => number,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    if (due() < bodyEvents) {
      await pause(tickMs)
      continue
    }
    const body = bodyFrom(posting.events)
    const headers = { "content-type": "application/x-ndjson" }
    const response = await fetch(url, { method: "POST", body, headers })
    const text = await response.text()
    if (response.status === 200) posting.events += bodyEvents
    else if (response.status !== 503) throw new Error(`${response.status} ${text}`)
    else await pause(1000)
  }
}

function bodyFrom(first: number): string {
  const events = Array.from({ length: bodyEvents }, (_, i) => {
    const actor = { type: "user", id: `user-${i}` }
    const targets = [{ type: "order", id: String(first + i) }]
    return JSON.stringify({ action: "order.paid", actor, targets, data: { http: first + i } })
  })
  return events.join("\n")
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

await run(process.argv.slice(2))
