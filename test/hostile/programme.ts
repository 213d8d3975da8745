import { limits } from "@postern/log/base"
import type { Decisions } from "../crash/decisions.ts"
import { Report } from "../crash/report.ts"
import { askAdmin } from "../support/admin-client.ts"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { askOps, metricOf } from "../support/ops-client.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"
import { Bystander } from "./bystander.ts"
import type { Case } from "./case.ts"
import { fuzz } from "./fuzz.ts"
import { inputs, Tally } from "./inputs.ts"
import type { Ground, Row } from "./row.ts"

/** Elsewhere there is one loopback address only, and the rows at the door share it. */
const hasManyAddresses = process.platform === "linux"

interface Placed {
  readonly row: Row
  readonly ground: Ground
  said: string
  isGood: boolean
}

/** One installation, one port, one well-behaved writer beside whom the rows act. */
export class Programme {
  readonly report = new Report()
  readonly tally = new Tally()
  readonly #installation: Installation
  readonly #port: PortProcess
  readonly #bystander: Bystander
  readonly #placed: readonly Placed[]
  readonly #fuzzer: Ground

  private constructor(
    installation: Installation,
    port: PortProcess,
    bystander: Bystander,
    placed: readonly Placed[],
    fuzzer: Ground,
  ) {
    this.#installation = installation
    this.#port = port
    this.#bystander = bystander
    this.#placed = placed
    this.#fuzzer = fuzzer
  }

  static async begin(rows: readonly Row[]): Promise<Programme> {
    const installation = (await Installation.make()).keepAll().speakSyslog()
    process.once("exit", () => installation.remove()) // However it ends.
    const writers: Identity[] = []
    for (const [i, row] of rows.entries()) {
      writers.push(await installation.writer(`row-${i}`, row.grant))
    }
    const other = await installation.writer("bystander")
    const fuzzer = await installation.writer("fuzzer")
    const port = await startPort(installation.configFile)
    const ca = installation.ca.certificate
    const bystander = await Bystander.enter(port, ca, other)
    const groundOf = (writer: Identity, i: number): Ground => ({
      ...{ installation, ca, writer, foreignStream: bystander.stream.id },
      call: { ...port.write, ...from(i) },
      syslog: { ...port.syslog, ...from(i) },
      reload: () => reload(installation),
      metric: async (name) => metricOf((await askOps(port.ops, "/metrics")).text, name),
    })
    const placed = writers.flatMap((writer, i) => {
      const row = rows[i]
      const ground = groundOf(writer, i)
      return row === undefined ? [] : [{ row, ground, said: "", isGood: true }]
    })
    return new Programme(installation, port, bystander, placed, groundOf(fuzzer, rows.length))
  }

  async run(): Promise<void> {
    const slow = this.#placed.filter(({ row }) => row.isSlow)
    const background = Promise.all(slow.map((placed) => this.#act(placed)))
    this.report.begin("One after the other")
    for (const placed of this.#placed) if (!placed.row.isSlow) await this.#actBeside(placed)
    this.report.line(`${this.#placed.length - slow.length} rows`)
    this.report.begin("Deadlines")
    const { fault } = await this.#bystander.beside(background)
    for (const placed of slow) this.#checkBystander(placed, fault)
    this.report.line(`${slow.length} rows; meanwhile ${this.#bystander.describeWaits()}`)
  }

  async #actBeside(placed: Placed): Promise<void> {
    const { row } = placed
    const { fault } = await this.#bystander.beside(this.#act(placed))
    this.#checkBystander(placed, fault)
    if (row.isFlood) this.report.line(`${row.name}: ${this.#bystander.describeWaits()}`)
  }

  async #act(placed: Placed): Promise<void> {
    const { row, ground } = placed
    const said = await row.act(ground).catch((error) => `an error: ${error.message}`)
    placed.said = said
    const isSaid = this.report.check(
      said === row.expects,
      `${row.name}: ${said} instead of ${row.expects}`,
    )
    placed.isGood &&= isSaid
  }

  #checkBystander(placed: Placed, fault: string | undefined): void {
    const what = `another writer meanwhile (${placed.row.name}): ${fault}`
    const isServed = this.report.check(fault === undefined, what)
    placed.isGood &&= isServed
    if (!this.#bystander.isConnected) throw new Error(`nothing can follow: ${this.#port.said()}`)
  }

  async fuzz(decisions: Decisions, ms: number): Promise<void> {
    this.report.begin("Mutations of what is valid")
    const { value: sent, fault } = await this.#bystander.beside(fuzz(this.#fuzzer, decisions, ms))
    this.report.check(fault === undefined, `another writer meanwhile: ${fault}`)
    this.report.check(sent > 0, `${sent} mutations were sent`)
    this.report.count("mutated connections", sent)
    this.report.line(`${sent} connections; meanwhile ${this.#bystander.describeWaits()}`)
  }

  /** What happens to ports of their own, in three lanes: most of a case is waiting. */
  async cases(cases: readonly Case[]): Promise<void> {
    this.report.begin("Ports of their own")
    const waiting = [...cases]
    const lane = async (): Promise<void> => {
      for (;;) {
        const next = waiting.shift()
        if (next === undefined) return
        await this.#happen(next)
      }
    }
    await Promise.all([lane(), lane(), lane()])
  }

  async #happen({ name, input, run, expects, leaves }: Case): Promise<void> {
    const failed = (error: Error) => ({ said: `an error: ${error.stack}`, left: [], note: "" })
    const { said, left: all, note = "" } = await run().catch(failed)
    const isSaid = this.report.check(said === expects, `${name}: ${said} instead of ${expects}`)
    const left = [...new Set(all)].sort()
    const isLeft = this.report.check(
      `${left}` === `${[...leaves].sort()}`,
      `${name}: leaves [${left}], should leave [${leaves}]`,
    )
    this.report.line(`${name}: ${said}${note && `; ${note}`}`)
    this.tally.add(input, said, left, isSaid && isLeft)
  }

  /** Everybody has gone: what was held for them is given back. */
  async checkLeaks(): Promise<void> {
    this.report.begin("Nothing is left of them")
    this.#bystander.leave()
    const idle = async (): Promise<true | undefined> => {
      const metrics = await this.#metrics()
      const isIdle =
        metricOf(metrics, "postern_connections") === 0 &&
        metricOf(metrics, "postern_credit_left_bytes") === limits.creditPoolBytes
      return isIdle || undefined
    }
    const found = await until(idle, 15_000, "an idle port").catch((error) => error.message)
    const left = found === true ? "" : (await this.#metrics()).replace(/^(?!postern_c).*\n/gm, "")
    this.report.check(found === true, `connections and credit come back: ${found} ${left}`)
  }

  async #metrics(): Promise<string> {
    return (await askOps(this.#port.ops, "/metrics")).text
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
    for (const placed of this.#placed) this.#checkEntries(placed, refusals, all)
    const { stream } = this.#bystander
    const open = all.find(
      (entry) =>
        entry.event.action === "postern.stream.opened" && dataOf(entry).stream === stream.id,
    )?.index
    const kept = all.filter(({ stamp }) => stamp.open === open).length
    this.report.check(kept === stream.next, `${stream.next} events of the bystander: ${kept}`)
  }

  #checkEntries(placed: Placed, refusals: readonly Indexed[], all: readonly Indexed[]): void {
    const { row, ground } = placed
    const codes = [...new Set(refusals.filter((entry) => isOf(entry, ground)).map(codeOf))].sort()
    const wanted = `${[...row.leaves].sort()}`
    const isLeft = this.report.check(
      `${codes}` === wanted,
      `${row.name}: leaves [${codes}], should leave [${wanted}]`,
    )
    const fault = row.reads?.(all, ground)
    const isRead = fault === undefined || this.report.check(false, `${row.name}: ${fault}`)
    this.tally.add(row.input, placed.said, codes, placed.isGood && isLeft && isRead)
  }

  /** The line that counts the inputs, and what is missing. */
  count(): void {
    this.report.begin("What was sent, and what the log says of it")
    for (const line of this.tally.lines()) console.log(`  ${line}`)
    const { met, missing } = this.tally
    for (const { number, what } of missing) console.log(`  not met: ${number} ${what}`)
    const good = this.#placed.filter(({ isGood }) => isGood).map(({ row }) => row)
    const certificates = good.filter(({ name }) => name.startsWith("certificate: "))
    const refused = certificates.filter(({ leaves }) => leaves.length > 0).length
    this.report.count(`inputs met, of ${inputs.length}`, met.length)
    this.report.count("things sent, each met as it should be", good.length)
    this.report.count("certificates refused", refused)
    this.report.count("certificates served", certificates.length - refused)
    this.report.line(`${refused} certificates refused, ${certificates.length - refused} served`)
    this.report.check(
      missing.length === 0,
      `inputs not met: ${missing.map(({ number }) => number)}`,
    )
    console.log(`\n${met.length} of ${inputs.length}`)
  }
}

async function reload(installation: Installation): Promise<void> {
  const { status, json } = await askAdmin(installation, "POST /v1/reload")
  if (status !== 200) throw new Error(`the reload was answered with ${JSON.stringify(json)}`)
}

function from(i: number): { localAddress?: string } {
  return hasManyAddresses ? { localAddress: addressOf(i) } : {}
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
