import { isIP } from "node:net"
import { networkInterfaces } from "node:os"
import { formatHostPort, type HostPort, scopeOf } from "../../config/index.ts"
import type { Finding } from "../exposure/index.ts"
import { knock, type Reception } from "./knock.ts"

/** Words of the canary, and of every entry: none of them is a number or a state. */
const contents = /doctor\.canary|postern-doctor|"leaf"|"actor"|"targets"/

/** Somebody asks for what the ops plane has not, or may not do. */
const questions: readonly { readonly line: string; readonly wanted: number }[] = [
  ...["POST", "PUT", "DELETE", "PATCH"].map((verb) => ({ line: `${verb} /metrics`, wanted: 405 })),
  ...[
    "/v1/events",
    "/v1/entries",
    "/checkpoint",
    "/v1/status",
    "/v1/reload",
    "/../data/log/head",
  ].map((path) => ({ line: `GET ${path}`, wanted: 404 })),
  { line: "GET /metrics", wanted: 200 },
  { line: "GET /livez", wanted: 200 },
]

/**
 * Tries the ops plane: from every other address of this machine, where nobody may answer, and from its own, where it may
 * tell numbers and states only.
 */
export async function tryOpsDoors(addresses: readonly HostPort[]): Promise<Finding[]> {
  const findings = await Promise.all(
    addresses.map(async (address) => [await tryOutside(address), await tryWords(address)]),
  )
  return findings.flat()
}

/** Every address of this machine that is no loopback one. */
function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid) // Link-local ones need a zone.
    .map(({ address }) => address)
    .filter((address) => isIP(address) !== 0 && scopeOf(address) !== "loopback")
}

async function tryOutside({ host, port }: HostPort): Promise<Finding> {
  const subject = `ops ${formatHostPort({ host, port })}`
  const about = { id: "door.ops-outside", subject, severity: "critical" } as const
  const outer = outerAddresses()
  const text = "GET /metrics HTTP/1.1\r\nhost: doctor\r\nconnection: close\r\n\r\n"
  const came = await Promise.all(
    outer.map(async (address) => ({
      address,
      reception: await knock({ host: address, port, tls: undefined, text }),
    })),
  )
  const open = came.filter(({ reception }) => reception.state === "answered")
  if (open.length > 0) {
    const evidence = `it answers on ${open.map(({ address }) => address).join(", ")}`
    return { ...about, result: "fail", evidence, fix: "take away what passes connections on to it" }
  }
  const odd = came.filter(({ reception }) => reception.state !== "unreachable")
  if (odd.length > 0) {
    const evidence = `something listens on ${odd.map(({ address }) => address).join(", ")}, and says nothing`
    return { ...about, result: "warn", evidence, fix: "find out what it is: postern port check" }
  }
  const evidence =
    outer.length === 0
      ? "this machine has no address but loopback"
      : `nobody answers on ${outer.join(", ")}`
  return { ...about, result: "ok", evidence, fix: "" }
}

async function tryWords(address: HostPort): Promise<Finding> {
  const subject = `ops ${formatHostPort(address)}`
  const about = { id: "door.ops-words", subject, severity: "high" } as const
  const wrong: string[] = []
  for (const { line, wanted } of questions) {
    const text = `${line} HTTP/1.1\r\nhost: doctor\r\nconnection: close\r\n\r\n`
    const reception = await knock({ ...address, tls: undefined, text, bytesMax: answerBytesMax })
    if (reception.state === "unreachable")
      return {
        ...{ ...about, result: "unknown", evidence: `it cannot be reached (${reception.why})` },
        fix: "start the service: postern serve",
      }
    wrong.push(...faultsOf(line, wanted, reception))
  }
  return wrong.length === 0
    ? { ...about, result: "ok", evidence: "it tells numbers and states, and does nothing", fix: "" }
    : {
        ...{ ...about, result: "fail", evidence: wrong.join("; ") },
        fix: "is it Postern that listens there? postern port check",
      }
}

const answerBytesMax = 1_048_576

function faultsOf(line: string, wanted: number, reception: Reception): string[] {
  if (reception.state !== "answered") return [`${line}: ${reception.state}`]
  const { began } = reception
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(began)?.[1])
  const faults = status === wanted ? [] : [`${line}: ${status || "no HTTP"}`]
  const told = contents.exec(began)?.[0]
  return told === undefined ? faults : [...faults, `${line}: tells of events (${told})`]
}
