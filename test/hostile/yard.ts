import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ask } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { askOps, metricOf } from "../support/ops-client.ts"
import { type PortOptions, type PortProcess, startPort } from "../support/port-process.ts"
import { Bystander } from "./bystander.ts"

/** What every log has: of no case in particular. */
const usual = new Set([
  ...[
    "postern.config.loaded",
    "postern.access.loaded",
    "postern.policy.loaded",
    "postern.stream.opened",
  ],
  ...["postern.started", "postern.stopped", "postern.stream.closed", "postern.clock.checked"],
])

/** An installation of its own, its port, and writers; whatever is made here is gone after `close`. */
export class Yard {
  readonly installation: Installation
  readonly app: Identity
  readonly other: Identity
  readonly undo: (() => unknown)[] = []

  private constructor(installation: Installation, app: Identity, other: Identity) {
    this.installation = installation
    this.app = app
    this.other = other
  }

  /** @param parent where its directory is made */
  static async open(parent?: string): Promise<Yard> {
    const installation = (await Installation.make(parent)).keepAll()
    const [app, other] = [await installation.writer("app"), await installation.writer("other")]
    const yard = new Yard(installation, app, other)
    yard.undo.push(() => installation.remove())
    return yard
  }

  async close(): Promise<void> {
    for (const step of this.undo.splice(0).reverse()) await step()
  }

  get ca(): string {
    return this.installation.ca.certificate
  }

  async start(options?: PortOptions): Promise<PortProcess> {
    const port = await startPort(this.installation.configFile, options)
    this.undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
    return port
  }

  /** How a start ends that must not succeed: exit code and error code, as `78 LOG_LOCKED`. */
  async refusedStart(): Promise<string> {
    const started = await this.start().catch((error: Error) => error.message)
    if (typeof started !== "string") {
      await started.end("SIGKILL")
      return "it started"
    }
    const code = /"code":"([A-Z_]+)"/.exec(started)?.[1]
    return `${/ended with (\d+)/.exec(started)?.[1]} ${code ?? started}`
  }

  /** Another writer, who must be served. */
  async enter(port: PortProcess): Promise<Bystander> {
    const bystander = await Bystander.enter(port, this.ca, this.other)
    this.undo.push(() => bystander.leave())
    return bystander
  }

  /** `200 1`: status, and how many events are kept or what the error is. */
  async post(port: PortProcess, body = eventText()): Promise<string> {
    const { status, json } = await ask(port.write, this.ca, this.app, { body })
    return `${status} ${json.accepted ?? json.code}`
  }

  /** One event after the other until the port is gone. Ids of those that it acknowledged. */
  async postUntilGone(port: PortProcess, lanes = 4): Promise<string[]> {
    const acknowledged: string[] = []
    const lane = async (): Promise<void> => {
      while (port.isAlive) {
        const body = eventText()
        const said = await this.post(port, body).catch(() => "gone")
        if (said === "200 1") acknowledged.push(String(JSON.parse(body).id))
        else return
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return acknowledged
  }

  /** How many of these events are not in the log, or stand there twice. */
  async missing(ids: readonly string[]): Promise<number> {
    const entries = await Entries.follow(this.installation.log)
    const found = (await entries.all()).map(({ event }) => String(event.id))
    await entries.close()
    const once = new Set(found.filter((id, i) => found.indexOf(id) === i))
    return ids.filter((id) => !once.has(id)).length + (found.length - new Set(found).size)
  }

  /** What the log says beyond the usual: codes of refusals, actions of other entries of the port's own. */
  async left(): Promise<string[]> {
    const entries = await Entries.follow(this.installation.log)
    const all = await entries.all()
    await entries.close()
    const own = all.filter(({ event }) => String(event.action).startsWith("postern."))
    const starts = own.filter(({ event }) => event.action === "postern.started").length
    const said = own.map((entry) => {
      const { action } = entry.event
      return action === "postern.refused" ? String(dataOf(entry).code) : String(action)
    })
    const beyond = new Set(said.filter((each) => !usual.has(each)))
    if (starts > 1) beyond.add("postern.started") // The next life says when it began.
    return [...beyond]
  }
}

export async function metric(port: PortProcess, name: string): Promise<number> {
  return metricOf((await askOps(port.ops, "/metrics")).text, name)
}

/** Runs in an installation of its own, all of which is gone afterwards. */
export async function inYard<T>(use: (yard: Yard) => Promise<T>, parent?: string): Promise<T> {
  const yard = await Yard.open(parent)
  try {
    return await use(yard)
  } finally {
    await yard.close()
  }
}
