import { lookup } from "node:dns/promises"
import { existsSync, statSync } from "node:fs"
import {
  type Config,
  dataDirectories,
  type ExposedScope,
  formatHostPort,
  scopeOf,
} from "../../config/index.ts"
import type { Finding, Known, Result, Severity } from "./finding.ts"
import { isListening, type PortFacts } from "./machine.ts"
import { judgeNumber, type Reason, redirected } from "./number.ts"
import { published } from "./published.ts"
import type { Holder } from "./socket-holders.ts"
import { plainAddress, type SocketRow } from "./socket-table.ts"

export type Plane = "write" | "read" | "ops" | "syslog"

/** An address that the configuration names. */
export interface Listener {
  readonly plane: Plane
  /** As the configuration says it. */
  readonly name: string
  readonly port: number
  /** Numeric. */
  readonly address: Known<string>
  /** To whom the data of the process belong that is to listen there. */
  readonly uid: Known<number>
}

/** What is configured: names are looked up, and directories looked at. */
export async function gatherListeners(config: Config): Promise<Listener[]> {
  const { log, readerState } = dataDirectories(config)
  const listeners: Listener[] = []
  for (const plane of ["write", "read", "ops", "syslog"] as const) {
    const uid = ownerOf([plane === "read" ? readerState : log, config.data])
    for (const { host, port } of config.listen[plane] ?? []) {
      const name = formatHostPort({ host, port })
      listeners.push({ plane, name, port, address: await resolve(host), uid })
    }
  }
  return listeners
}

/** Where port and reader process say which passed sockets they serve. */
export function socketWords(config: Pick<Config, "data">): readonly string[] {
  const { portSockets, readerSockets } = dataDirectories(config)
  return [portSockets, readerSockets]
}

/** Of the first that is there: a process makes its own directory when it first starts. */
function ownerOf(directories: readonly string[]): Known<number> {
  const found = directories.find((directory) => existsSync(directory))
  return found === undefined
    ? { unknown: `there is no ${directories.at(-1)} yet` }
    : { known: statSync(found).uid }
}

async function resolve(host: string): Promise<Known<string>> {
  try {
    return { known: plainAddress((await lookup(host)).address) }
  } catch {
    return { unknown: `${host} has no address` }
  }
}

/** Every check of every listener, the good ones too. Pure. */
export function judgeListeners(
  listeners: readonly Listener[],
  allow: readonly ExposedScope[],
  facts: PortFacts,
): Finding[] {
  return listeners.flatMap((listener) => {
    const say: Say = (id, result, severity, evidence, fix) => ({
      ...{ id, subject: `${listener.plane} ${listener.name}`, result, severity },
      ...{ evidence, fix: result === "ok" ? "" : fix },
    })
    const { address, port } = listener
    if ("unknown" in address)
      return [say("port.scope", "unknown", "critical", address.unknown, "name a numeric address")]
    const scope = judgeScope(listener, address.known, allow, say)
    const more = [
      judgeNumbers(port, facts, say),
      judgeRedirect(port, facts, say),
      judgePublished({ address: address.known, port }, facts, say),
    ]
    if ("unknown" in facts.sockets)
      return [
        scope,
        say("port.owner", "unknown", "critical", facts.sockets.unknown, seeAll),
        ...more,
      ]
    const rows = facts.sockets.known.filter((row) => isListening(row) && row.port === port)
    const at = { listener, listeners, facts, rows, address: address.known, say }
    return [scope, judgeOwner(at), judgeShared(at), judgeFamily(at), judgeOthers(at), ...more]
  })
}

type Say = (
  id: string,
  result: Result,
  severity: Severity,
  evidence: string,
  fix: string,
) => Finding

interface Place {
  readonly listener: Listener
  readonly listeners: readonly Listener[]
  readonly facts: PortFacts
  /** Listening sockets with its port. */
  readonly rows: readonly SocketRow[]
  readonly address: string
  readonly say: Say
}

const seeAll = "run this as root, who sees everything"

function judgeScope(
  { plane }: Listener,
  address: string,
  allow: readonly ExposedScope[],
  say: Say,
): Finding {
  const scope = scopeOf(address)
  const id = "port.scope"
  if (plane === "ops" && scope !== "loopback")
    return say(id, "fail", "critical", `${address} is ${scope}`, "keep the ops plane on loopback")
  if (scope !== "wildcard" && scope !== "public")
    return say(id, "ok", "critical", `${address} is ${scope}`, "")
  return allow.includes(scope)
    ? say(
        id,
        "warn",
        "medium",
        `${address} is ${scope}, as listen.allow says`,
        "keep a firewall before it",
      )
    : say(
        id,
        "fail",
        "critical",
        `${address} is ${scope}`,
        "listen on private addresses, one by one",
      )
}

function judgeOwner({ rows, address, listener, facts, say }: Place): Finding {
  const id = "port.owner"
  const own = rows.filter((row) => row.address === address)
  const fix = "find out who it is, end it, and let the service manager hold the sockets"
  if (own.length === 0) {
    return say(
      id,
      "warn",
      "medium",
      "nobody listens: any user of this machine may",
      "start the service",
    )
  }
  const { uid } = listener
  if ("unknown" in uid) return say(id, "unknown", "critical", uid.unknown, "start the service")
  const judged = own.map((row) => ownership(row, uid.known, facts.holders.get(row.inode) ?? []))
  const evidence = own.map((row) => whose(row, facts)).join("; ")
  if (judged.includes("foreign")) return say(id, "fail", "critical", evidence, fix)
  if (judged.includes("unknown")) return say(id, "unknown", "critical", evidence, seeAll)
  return say(id, "ok", "critical", evidence, "")
}

/** The service manager opens sockets as root, and hands them to a process of ours. */
function ownership(
  row: SocketRow,
  uid: number,
  holders: readonly Holder[],
): "own" | "foreign" | "unknown" {
  if (holders.some((holder) => holder.uid !== uid && holder.uid !== 0)) return "foreign"
  if (row.uid === uid) return "own"
  if (row.uid !== 0) return "foreign"
  if (holders.some((holder) => holder.uid === uid)) return "own"
  return holders.length === 0 ? "unknown" : "foreign"
}

function whose(row: SocketRow, { holders }: PortFacts): string {
  const who = (holders.get(row.inode) ?? []).map(
    ({ pid, uid, command }) => `${command} (process ${pid}, uid ${uid})`,
  )
  return `${row.address}, socket of uid ${row.uid}${who.length === 0 ? "" : `: ${who.join(", ")}`}`
}

/** Two listening sockets on one address and port are there only if both said SO_REUSEPORT. */
function judgeShared({ rows, address, facts, say }: Place): Finding {
  const own = rows.filter((row) => row.address === address)
  return own.length > 1
    ? say(
        "port.shared",
        "fail",
        "critical",
        own.map((row) => whose(row, facts)).join("; "),
        "end the process that is too many: it gets part of the connections",
      )
    : say("port.shared", "ok", "critical", "at most one socket listens there", "")
}

/** Addresses that one name, or one glance, takes for the same. */
const pairs: Readonly<Record<string, string>> = {
  "127.0.0.1": "::1",
  "::1": "127.0.0.1",
  "0.0.0.0": "::",
  "::": "0.0.0.0",
}

function judgeFamily({ rows, address, listener, facts, say }: Place): Finding {
  const id = "port.second-family"
  const other = pairs[address]
  if (other === undefined) return say(id, "ok", "high", `${address} has no twin`, "")
  if (other.includes(":") && !facts.hasIpv6Loopback)
    return say(id, "ok", "high", "this machine has no IPv6", "")
  const held = rows.find((row) => row.address === other)
  if (held === undefined) {
    const text = formatHostPort({ host: other, port: listener.port })
    const evidence = `${text} is free: who takes it gets the clients that say localhost`
    return say(id, "warn", "medium", evidence, `listen on ${text} too`)
  }
  const { uid } = listener
  if ("unknown" in uid) return say(id, "unknown", "high", uid.unknown, "start the service")
  const whom = ownership(held, uid.known, facts.holders.get(held.inode) ?? [])
  const result = { own: "ok", foreign: "fail", unknown: "unknown" } as const
  return say(id, result[whom], "high", whose(held, facts), "find out who it is, and end it")
}

/** A listener of others with the same number, on an address that clients may take for ours. */
function judgeOthers({ rows, address, listener, listeners, facts, say }: Place): Finding {
  const id = "port.others"
  const known = listeners.flatMap((one) => {
    return one.port === listener.port && "known" in one.address ? [one.address.known] : []
  })
  const { uid } = listener
  const others = rows.filter((row) => {
    if (known.includes(row.address) || row.address === pairs[address]) return false
    if ("unknown" in uid) return true
    return ownership(row, uid.known, facts.holders.get(row.inode) ?? []) !== "own"
  })
  if (others.length === 0) return say(id, "ok", "high", "nobody else has this number", "")
  const evidence = others.map((row) => whose(row, facts)).join("; ")
  return say(id, "fail", "high", evidence, "find out who it is, and end it or choose another port")
}

function judgeRedirect(port: number, facts: PortFacts, say: Say): Finding {
  const { result, evidence } = redirected(port, facts)
  const fix =
    result === "unknown"
      ? "run this as root, with nft and iptables-save installed, and read the rules"
      : "take the rule away: what it sends elsewhere passes by this machine's firewall"
  return say("port.redirected", result, "high", evidence, fix)
}

function judgePublished(
  at: { readonly address: string; readonly port: number },
  facts: PortFacts,
  say: Say,
): Finding {
  const { result, evidence } = published(at, facts)
  const fix =
    result === "unknown"
      ? "run this as root, with nft and iptables-save installed, and read the rules"
      : "take the rule or the published port away: who comes by it comes from another address than the firewall was made for"
  return say("port.published", result, "high", evidence, fix)
}

function judgeNumbers(port: number, facts: PortFacts, say: Say): Finding {
  const reasons = judgeNumber(port, facts)
  const of = (wanted: Reason["result"]) => reasons.filter(({ result }) => result === wanted)
  const [worst] = [...of("fail"), ...of("unknown")]
  const evidence = worst?.evidence ?? reasons.map((reason) => reason.evidence).join("; ")
  const result = worst === undefined ? "ok" : worst.result === "fail" ? "warn" : "unknown"
  const fix = "see `postern port pick`: another number, or the line that reserves it"
  return say("port.number", result, "medium", evidence, fix)
}
