import { limits } from "@postern/log/base"
import type { Decisions } from "../crash/decisions.ts"
import { Report } from "../crash/report.ts"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until, within } from "../support/waiting.ts"
import { fuzz } from "./fuzz.ts"
import type { Ground, Row } from "./row.ts"

const bystanderMsMax = 2_000
/** Elsewhere there is one loopback address only, and the rows at the door share it. */
const hasManyAddresses = process.platform === "linux"

interface Placed {
  readonly row: Row
  readonly ground: Ground
}

/** One installation, one port, one well-behaved writer beside whom the rows act. */
export class Programme {
  readonly report = new Report()
  readonly #installation: Installation
  readonly #port: PortProcess
  readonly #bystander: FramedClient
  readonly #stream: ClientStream
  readonly #placed: readonly Placed[]
  readonly #fuzzer: Ground

  private constructor(
    installation: Installation,
    port: PortProcess,
    bystander: { client: FramedClient; stream: ClientStream },
    placed: readonly Placed[],
    fuzzer: Ground,
  ) {
    this.#installation = installation
    this.#port = port
    this.#bystander = bystander.client
    this.#stream = bystander.stream
    this.#placed = placed
    this.#fuzzer = fuzzer
  }

  static async begin(rows: readonly Row[]): Promise<Programme> {
    const installation = await Installation.make()
    process.once("exit", () => installation.remove()) // However it ends.
    const writers: Identity[] = []
    for (const [i, row] of rows.entries()) {
      writers.push(await installation.writer(`row-${i}`, row.grant))
    }
    const bystander = await installation.writer("bystander")
    const fuzzer = await installation.writer("fuzzer")
    const port = await startPort(installation.configFile)
    const ca = installation.ca.certificate
    const client = await FramedClient.enter(port.write, ca, bystander)
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const groundOf = (writer: typeof fuzzer, i: number): Ground => {
      const call = { ...port.write, ...(hasManyAddresses && { localAddress: addressOf(i) }) }
      return { installation, call, ca, writer, foreignStream: stream.id }
    }
    const placed = writers.flatMap((writer, i) => {
      const row = rows[i]
      return row === undefined ? [] : [{ row, ground: groundOf(writer, i) }]
    })
    const other = groundOf(fuzzer, rows.length)
    return new Programme(installation, port, { client, stream }, placed, other)
  }

  async run(): Promise<void> {
    const slow = this.#placed.filter(({ row }) => row.slow !== undefined)
    const background = Promise.all(slow.map((placed) => this.#act(placed)))
    this.report.begin("One after the other")
    for (const placed of this.#placed) {
      if (placed.row.slow !== undefined) continue
      await this.#act(placed)
      await this.#checkBystander(placed.row.name)
    }
    this.report.line(`${this.#placed.length - slow.length} rows`)
    this.report.begin("Deadlines")
    await background
    this.report.line(`${slow.length} rows`)
    await this.#checkBystander("the deadlines")
  }

  async #act({ row, ground }: Placed): Promise<void> {
    const said = await row.act(ground).catch((error) => `an error: ${error.message}`)
    this.report.check(said === row.expects, `${row.name}: ${said} instead of ${row.expects}`)
  }

  /** The same process still takes another writer's events, on the same connection, soon. */
  async #checkBystander(after: string): Promise<void> {
    this.#bystander.send(this.#stream.batch([eventText()]))
    const ack = within(this.#bystander.ack(), bystanderMsMax, "the bystander's ACK")
    const said = await ack.then(
      ({ batches }) => `accepted ${batches[0]?.accepted}`,
      (error) => String(error.message),
    )
    const lives = this.#port.isAlive
    if (lives && said === "accepted 1") return
    this.report.check(false, `after ${after}: ${said}, alive: ${lives}`)
    if (lives && this.#bystander.socket.writable) return
    throw new Error(`nothing can follow: ${this.#port.said()}`)
  }

  async fuzz(decisions: Decisions, ms: number): Promise<void> {
    this.report.begin("Mutations of what is valid")
    const slice = 500
    let sent = 0
    for (let left = ms; left > 0; left -= slice) {
      sent += await fuzz(this.#fuzzer, decisions, slice)
      await this.#checkBystander(`${sent} mutations`)
    }
    this.report.check(sent > 0, `${sent} mutations were sent`)
    this.report.line(`${sent} connections`)
  }

  /** Everybody has gone: what was held for them is given back. */
  async checkLeaks(): Promise<void> {
    this.report.begin("Nothing is left of them")
    this.#bystander.destroy()
    const idle = async (): Promise<true | undefined> => {
      const metrics = await this.#metrics()
      const gauge = (name: string): number =>
        Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1])
      const isIdle =
        gauge("postern_connections") === 0 &&
        gauge("postern_credit_left_bytes") === limits.creditPoolBytes
      return isIdle || undefined
    }
    const found = await until(idle, 15_000, "an idle port").catch((error) => error.message)
    const left = found === true ? "" : (await this.#metrics()).replace(/^(?!postern_c).*\n/gm, "")
    this.report.check(found === true, `connections and credit come back: ${found} ${left}`)
  }

  async #metrics(): Promise<string> {
    const { host, port } = this.#port.ops
    return (await fetch(`http://${host}:${port}/metrics`)).text()
  }

  /** The port ends in order; what it wrote says who was refused for what, and nothing else. */
  async end(): Promise<void> {
    const code = await this.#port.end("SIGTERM")
    this.report.check(code === 0, `the port ends with 0, not ${code}: ${this.#port.said()}`)
    const entries = await Entries.follow(this.#installation.log)
    const all = await entries.all()
    await entries.close()
    this.report.begin(`What the log says, ${all.length} entries`)
    const refusals = all.filter(({ event }) => event.action === "postern.refused")
    for (const { row, ground } of this.#placed) {
      const codes = [...new Set(refusals.filter((entry) => isOf(entry, ground)).map(codeOf))]
      const wanted = `${[...row.leaves].sort()}`
      this.report.check(
        `${codes.sort()}` === wanted,
        `${row.name}: leaves [${codes}], should leave [${wanted}]`,
      )
    }
    const kept = all.filter(({ stamp }) => stamp.open === this.#openOf(all)).length
    const sent = this.#stream.next
    this.report.check(kept === sent, `all ${sent} events of the bystander are there: ${kept}`)
  }

  /** Index of the entry that opened the bystander's stream. */
  #openOf(all: readonly Indexed[]): number | undefined {
    return all.find(
      (entry) =>
        entry.event.action === "postern.stream.opened" && dataOf(entry).stream === this.#stream.id,
    )?.index
  }
}

/** 127.1.0.1 and on. */
function addressOf(i: number): string {
  return `127.1.${i >> 7}.${(i & 127) + 1}`
}

function isOf(entry: Indexed, { writer, call }: Ground): boolean {
  const { writer: id, from } = dataOf(entry)
  const address = call.localAddress
  return id === writer.id || (address !== undefined && String(from).startsWith(`${address}:`))
}

function codeOf(entry: Indexed): string {
  return String(dataOf(entry).code)
}
