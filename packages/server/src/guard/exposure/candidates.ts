import { createServer } from "node:net"
import { PosternError } from "@postern/log/base"
import { worstOf } from "./finding.ts"
import type { PortFacts } from "./machine.ts"
import { judgeFreedom, judgeNumber, type Reason } from "./number.ts"
import type { PortRange } from "./redirects.ts"

/** A number, and what speaks for and against it. */
export interface JudgedPort {
  readonly port: number
  readonly result: Reason["result"]
  readonly reasons: readonly Reason[]
}

export interface PickedPorts {
  /** For the write, read and ops plane. */
  readonly ports: readonly [JudgedPort, JudgedPort, JudgedPort]
  /** The usual ones, if they are not good here. */
  readonly passedOver: readonly JudgedPort[]
}

const planes = 3
/** Write, read and ops, unless this machine has other plans for them. */
const usual = 17_514
const [lowest, beyond] = [1024, 30_000]

/** Tries to listen on a port of an address, for a moment. */
export type TryBind = (port: number, address: string) => Promise<"free" | "taken" | "not here">

/**
 * The three usual ports if nothing is against them, or else the nearest three in a row. What could not be found out
 * about them is in their reasons.
 * @param addresses to listen on for a moment, numeric
 * @throws PosternError ADDRESS_IN_USE if there is none
 */
export async function pickPorts(
  facts: PortFacts,
  addresses: readonly string[],
  tryBind: TryBind = tryListening,
): Promise<PickedPorts> {
  const judge = (first: number) =>
    Promise.all(
      Array.from({ length: planes }, (_, i) => judgePort(first + i, facts, addresses, tryBind)),
    )
  const passedOver = await judge(usual)
  if (isGood(passedOver)) return { ports: passedOver, passedOver: [] }
  for (let away = 1; away < beyond; away++) {
    for (const first of [usual + away, usual - away]) {
      if (first < lowest || first + planes > beyond) continue
      // What stands in a table is found there first: a port is not bound only to be thrown away.
      const known = Array.from({ length: planes }, (_, i) => judgeTables(first + i, facts)).flat()
      if (known.some(({ result }) => result === "fail")) continue
      const ports = await judge(first)
      if (isGood(ports)) return { ports, passedOver }
    }
  }
  throw new PosternError("ADDRESS_IN_USE", `three ports in a row between ${lowest} and ${beyond}`)
}

function isGood(ports: readonly JudgedPort[]): ports is PickedPorts["ports"] {
  return ports.length === planes && ports.every(({ result }) => result !== "fail")
}

function judgeTables(port: number, facts: PortFacts): Reason[] {
  return [...judgeNumber(port, facts), ...judgeFreedom(port, facts)]
}

async function judgePort(
  port: number,
  facts: PortFacts,
  addresses: readonly string[],
  tryBind: TryBind,
): Promise<JudgedPort> {
  const reasons = [...judgeTables(port, facts), await judgeBinding(port, addresses, tryBind)]
  const result = worstOf(reasons.map((reason) => reason.result)) as Reason["result"]
  return { port, result, reasons }
}

async function judgeBinding(
  port: number,
  addresses: readonly string[],
  tryBind: TryBind,
): Promise<Reason> {
  const check = "bind"
  const tried = await Promise.all(
    addresses.map(async (address) => ({ address, found: await tryBind(port, address) })),
  )
  const of = (what: string) => tried.filter(({ found }) => found === what).map((one) => one.address)
  const [taken, absent, free] = [of("taken"), of("not here"), of("free")]
  if (taken.length > 0) return { check, result: "fail", evidence: `taken on ${taken.join(", ")}` }
  if (absent.length > 0)
    return { check, result: "unknown", evidence: `not of this machine: ${absent.join(", ")}` }
  return { check, result: "ok", evidence: `bound on ${free.join(" and ")}` }
}

/** Nobody else may have the port, in whatever way it was shared. */
export const tryListening: TryBind = (port, host) =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "EADDRINUSE" || code === "EACCES") resolve("taken")
      else if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") resolve("not here")
      else reject(new PosternError("CONFIG_INVALID", `cannot listen on ${host}: ${message}`))
    })
    server.listen({ port, host, exclusive: true, ipv6Only: true }, () => {
      server.close(() => resolve("free"))
    })
  })

/**
 * The line for /etc/sysctl.d that keeps the kernel from giving these ports to outgoing connections. The setting
 * replaces what was there, so that stays in it. Pure.
 */
export function reservationOf(ports: readonly number[], facts: PortFacts): string {
  const before = "known" in facts.reserved ? facts.reserved.known : []
  const ranges = [...before, ...ports.map((port): PortRange => [port, port + 1])]
  const merged: [number, number][] = []
  for (const [from, end] of ranges.sort(([a], [b]) => a - b)) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([from, end])
  }
  const text = merged.map(([from, end]) => (end - from === 1 ? `${from}` : `${from}-${end - 1}`))
  return `net.ipv4.ip_local_reserved_ports = ${text.join(",")}`
}
