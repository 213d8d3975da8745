import { join } from "node:path"
import { dataOf, Entries } from "../support/entries.ts"
import { Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { pause, until } from "../support/waiting.ts"
import { freePorts } from "./port-process.ts"
import type { Results } from "./results.ts"
import { rsyslog, type SenderKind, SyslogSender, syslogNg, whyNoSender } from "./syslog-senders.ts"

/** A sender that was turned away comes back when it thinks best. */
const waitMs = 60_000
const burst = 50
/** Between two bursts: a syslog-ng that is never silent does not see that the port ends its side, and is cut. */
const burstMs = 1_000

/** Why it cannot be tried here; undefined if it can. */
export async function whyNoSyslog(): Promise<string | undefined> {
  return (await whyNoSender(rsyslog)) ?? (await whyNoSender(syslogNg))
}

/** rsyslog and syslog-ng over mutual TLS: nothing is lost over a graceful restart of the port, and a cut leaves a loss. */
export async function checkSyslog(results: Results, work: string): Promise<void> {
  const [first = 0, second = 0] = await freePorts(2)
  await Promise.all([
    checkSender(results, rsyslog, join(work, "rsyslog"), { to: first, framing: "counted" }),
    checkSender(results, syslogNg, join(work, "syslog-ng"), { to: second, framing: "lines" }),
  ])
}

async function checkSender(
  results: Results,
  kind: SenderKind,
  place: string,
  where: { readonly to: number; readonly framing: "counted" | "lines" },
): Promise<void> {
  const installation = (await Installation.make()).keepAll().speakSyslog(where.to)
  const grant = { adapters: ["syslog"], sources: ["host://*"] }
  const host = await installation.writer("host", grant)
  let port = await startPort(installation.configFile)
  const entries = await Entries.follow(installation.log)
  const sender = await SyslogSender.start(kind, place, where, host, installation.ca.certificate)
  try {
    const told = new Telling(sender)
    await told.say(2)
    await arrived(entries, told)
    const stopped = port.end("SIGTERM")
    await told.say(2)
    results.check((await stopped) === 0, `${kind.name}: the port stops while it sends`)
    await told.say(1)
    port = await startPort(installation.configFile)
    await told.say(2)
    const { missing, twice } = await arrived(entries, told)
    results.check(
      missing === 0,
      `${kind.name}: ${told.count} messages over a graceful restart, ${missing} missing`,
    )
    results.check(twice === 0, `${kind.name}: none of them stands twice`)
    const before = await losses(entries)
    results.check(before.length === 0, `${kind.name}: no loss was entered`, JSON.stringify(before))
    await checkCut(results, kind, { installation, entries, host: host.id, port, told })
  } finally {
    await sender.stop()
    await entries.close()
    if (port.isAlive) await port.end("SIGTERM")
    installation.remove()
  }
}

/** Bursts of numbered messages. */
class Telling {
  readonly #sender: SyslogSender
  count = 0

  constructor(sender: SyslogSender) {
    this.#sender = sender
  }

  async say(bursts: number): Promise<void> {
    for (let i = 0; i < bursts; i++) {
      this.#sender.tell(Array.from({ length: burst }, () => `number ${this.count++}.`))
      await pause(burstMs)
    }
  }
}

/** Waits for the last message, then counts all of them. */
async function arrived(
  entries: Entries,
  { count }: Telling,
): Promise<{ missing: number; twice: number }> {
  const look = async (): Promise<Map<number, number> | undefined> => {
    const seen = new Map<number, number>()
    for (const { event } of await entries.all()) {
      const { line = "" } = (event.data ?? {}) as { line?: string }
      const number = /number (\d+)\./.exec(line)?.[1]
      if (number !== undefined) seen.set(Number(number), (seen.get(Number(number)) ?? 0) + 1)
    }
    return seen.has(count - 1) ? seen : undefined
  }
  const seen = await until(look, waitMs, "the last message")
  const twice = [...seen.values()].filter((times) => times > 1).length
  return { missing: count - seen.size, twice }
}

async function losses(entries: Entries): Promise<Record<string, unknown>[]> {
  const all = await entries.all()
  return all.filter(({ event }) => event.action === "postern.loss").map(dataOf)
}

/** The grant goes while it sends. */
async function checkCut(
  results: Results,
  { name }: SenderKind,
  at: {
    readonly installation: Installation
    readonly entries: Entries
    readonly host: string
    readonly port: PortProcess
    readonly told: Telling
  },
): Promise<void> {
  at.installation.revoke(at.host)
  at.port.reload()
  const loss = await at.entries.find("a loss", ({ event }) => event.action === "postern.loss")
  const { writer, reason, number } = dataOf(loss)
  const says = writer === at.host && reason === "ended by the port" && Number(number) > 0
  results.check(
    says,
    `${name}: a cut is entered as a loss of unknown size`,
    JSON.stringify(dataOf(loss)),
  )
}
