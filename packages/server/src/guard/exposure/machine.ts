import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Known } from "./finding.ts"
import { parseIptablesSave } from "./iptables-rules.ts"
import { parseNftRuleset } from "./nft-rules.ts"
import { findProxies, type PassingOn } from "./proxies.ts"
import { type PortRange, type Redirect, redirectsOf } from "./redirects.ts"
import { findHolders, findServing, type Holder } from "./socket-holders.ts"
import { parseSocketTable, type SocketRow } from "./socket-table.ts"

/** Where facts come from. */
export interface Machine {
  /** Where `proc` and `etc` are. */
  readonly root: string
  /** Runs a programme, and gives what it printed. Rejects unless it ended with 0. */
  run(programme: string, parameters: readonly string[]): Promise<string>
}

/** What this machine says about its ports, in this network namespace. */
export interface PortFacts {
  /** Numbers that the kernel gives to outgoing connections. */
  readonly ephemeral: Known<PortRange>
  /** Numbers that it leaves out of them. */
  readonly reserved: Known<readonly PortRange[]>
  readonly sockets: Known<readonly SocketRow[]>
  /** By inode; of listening sockets, as far as they may be seen or our own processes say so. */
  readonly holders: ReadonlyMap<number, readonly Holder[]>
  readonly redirects: Known<readonly Redirect[]>
  /** Programmes that pass connections on, such as Docker's. */
  readonly proxies: readonly PassingOn[]
  readonly hasIpv6Loopback: boolean
  /** Name of an assigned port, where /etc/services has it. */
  readonly names: ReadonlyMap<number, string>
}

export const thisMachine: Machine = {
  root: "/",
  run: async (programme, parameters) => {
    // Where administrators' programmes are is not in everybody's path.
    const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: "C" }
    const options = { env, maxBuffer: 64_000_000, timeout: 10_000 }
    return (await promisify(execFile)(programme, parameters, options)).stdout
  },
}

/**
 * Reads, and asks nft and iptables to list; changes nothing.
 * @param words where our own processes say which passed sockets they serve
 */
export async function gatherPortFacts(
  machine: Machine = thisMachine,
  words: readonly string[] = [],
): Promise<PortFacts> {
  const { root } = machine
  const sockets = readSockets(root)
  const listening = "known" in sockets ? sockets.known.filter(isListening) : []
  const local = "proc/sys/net/ipv4/ip_local"
  return {
    ephemeral: read(root, `${local}_port_range`, (text) => {
      const [first, last] = text.trim().split(/\s+/).map(Number)
      return first === undefined || last === undefined ? undefined : [first, last + 1]
    }),
    reserved: read(root, `${local}_reserved_ports`, parseRanges),
    sockets,
    // What is seen counts, and what is said only where nothing is.
    holders: new Map([
      ...findServing(words, root),
      ...findHolders(new Set(listening.map(({ inode }) => inode)), root),
    ]),
    redirects: await readRedirects(machine),
    proxies: findProxies(root),
    hasIpv6Loopback: /^0{31}1 /m.test(readText(join(root, "proc/net/if_inet6")) ?? ""),
    names: parseServices(readText(join(root, "etc/services")) ?? ""),
  }
}

export function isListening({ protocol, state }: SocketRow): boolean {
  return protocol === "tcp" && state === "listening"
}

function readSockets(root: string): Known<SocketRow[]> {
  const rows: SocketRow[] = []
  for (const protocol of ["tcp", "udp"] as const) {
    const text = readText(join(root, "proc/net", protocol))
    if (text === undefined) return { unknown: `/proc/net/${protocol} cannot be read` }
    rows.push(...parseSocketTable(text, protocol))
    // Not there on a machine without IPv6.
    rows.push(...parseSocketTable(readText(join(root, "proc/net", `${protocol}6`)) ?? "", protocol))
  }
  return { known: rows }
}

/** `8080,9000-9010`, as the kernel writes it; empty for none. */
export function parseRanges(text: string): PortRange[] {
  const parts = text.trim() === "" ? [] : text.trim().split(",")
  return parts.map((part) => {
    const [first, last = first] = part.split("-").map(Number)
    return [Number(first), Number(last) + 1]
  })
}

function parseServices(text: string): Map<number, string> {
  const lines = text.matchAll(/^([^\s#]+)\s+(\d+)\/tcp/gm)
  return new Map([...lines].map(([, name = "", port]) => [Number(port), name]))
}

/** Rules can be hidden in either of two programmes; one that is silent makes it unknown. */
async function readRedirects({ run }: Machine): Promise<Known<Redirect[]>> {
  const failures: string[] = []
  const ask = async <T>(
    programme: string,
    parameters: readonly string[],
    read: (text: string) => T,
  ) => {
    try {
      return read(await run(programme, parameters))
    } catch (error) {
      failures.push(reasonOf(programme, error))
      return undefined
    }
  }
  const nft = await ask("nft", ["-j", "list", "ruleset"], (text) =>
    parseNftRuleset(JSON.parse(text)),
  )
  const redirects = nft === undefined ? [] : redirectsOf(nft)
  for (const programme of ["iptables-save", "ip6tables-save"]) {
    await ask(programme, [], (text) => {
      redirects.push(...redirectsOf(parseIptablesSave(text)))
      if (text.includes("legacy tables present")) failures.push("iptables-legacy has tables too")
    })
  }
  // Where iptables is not installed, nft has shown everything, unless it says that it has not.
  const isWhole = nft !== undefined && !nft.hasForeign
  const counts = isWhole ? failures.filter((text) => !text.endsWith(notHere)) : failures
  return counts.length === 0 ? { known: redirects } : { unknown: counts.join("; ") }
}

const notHere = "is not installed"

function reasonOf(programme: string, error: unknown): string {
  const { code, stderr } = error as { code?: unknown; stderr?: unknown }
  if (code === "ENOENT") return `${programme} ${notHere}`
  const [line = ""] = String(stderr ?? "").split("\n")
  const said = line === "" && error instanceof Error ? error.message : line
  return `${programme}: ${said.slice(0, 200)}`
}

function read<T>(root: string, file: string, parse: (text: string) => T | undefined): Known<T> {
  const text = readText(join(root, file))
  const known = text === undefined ? undefined : parse(text)
  return known === undefined ? { unknown: `/${file} cannot be read` } : { known }
}

function readText(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, "utf8") : undefined
  } catch {
    return undefined // Not for us to read: said as unknown by the caller.
  }
}
