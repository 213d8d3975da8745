import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:https"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { watchChild } from "../crash/cleanup.ts"
import { addressOf, type Installation, makeInstallation } from "../crash/installation.ts"
import { readBelow } from "../support/files.ts"

const bin = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))

/** The actor's id and e-mail are sealed for the actor; of a customer the name, for the customer. */
const policy = `rules:
  - name: people
    match: { action: "person.*" }
    level: full
    transforms:
      - { at: /data/customer/name, do: personal, subject: /data/customer/number }
      - { at: /data/email, do: personal }
      - { at: /actor/id, do: personal }
  - { name: all, level: full }
`

/** An installation whose policy seals what names a person. */
export async function openScene(directory: string): Promise<Installation> {
  const installation = await makeInstallation(directory)
  writeFileSync(join(directory, "policy.yaml"), policy)
  return installation
}

/** From here on an erasure needs an operator's signature. */
export function demandApproval({ directory }: Installation): void {
  appendFileSync(join(directory, "access.yaml"), "\napprovals: { weakening: 1 }\n")
}

export const emailOf = (person: string): string => `${person}@mail.example`
export const customerName = (number: number): string => `customer-name-${number}-in-full`

export function eventOf(person: string, n: number, customer: number): object {
  return {
    ...{ id: `${person.length}-${n}-${customer}`, time: "2026-11-22T12:00:00Z" },
    ...{ source: "app://app", action: "person.changed", outcome: "success" },
    actor: { type: "user", id: person },
    targets: [{ type: "account", id: `account-${n}` }],
    data: {
      email: emailOf(person),
      customer: { number: `c-${customer}`, name: customerName(customer) },
    },
  }
}

/** Sends events over HTTP; gives their indexes. */
export async function post(
  { writer }: Installation,
  events: readonly object[],
): Promise<readonly number[]> {
  const { ca, certificate: cert, key } = writer
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const indexes: number[] = []
  try {
    for (let at = 0; at < events.length; at += 500) {
      const body = Buffer.from(JSON.stringify(events.slice(at, at + 500)))
      const posted = request({
        ...addressOf(writer),
        ...{ ca, cert, key, agent, method: "POST", path: "/v1/events", minVersion: "TLSv1.3" },
        headers: { "content-type": "application/json", "content-length": body.length },
      })
      posted.end(body)
      const [response] = await once(posted, "response")
      let text = ""
      for await (const chunk of response) text += String(chunk)
      if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${text}`)
      const { entries } = JSON.parse(text) as { entries: { index: number; count: number }[] }
      for (const { index, count } of entries)
        indexes.push(...Array.from({ length: count }, (_, i) => index + i))
    }
    return indexes
  } finally {
    agent.destroy()
  }
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command of the CLI, with something on its standard input. */
export async function postern(args: readonly string[], input = ""): Promise<Ran> {
  const child = watchChild(spawn(process.execPath, [bin, ...args]))
  let [out, err] = ["", ""]
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString()
  })
  child.stdin.on("error", () => undefined) // It may have ended without reading.
  child.stdin.end(input)
  const [code] = (await once(child, "close")) as [number | null]
  return { code, out, err }
}

/** Files below the data directory and beside it in which one of these stands; names of files count, too. */
export function findBytes(
  { directory }: Installation,
  wanted: Readonly<Record<string, Uint8Array>>,
): string[] {
  const found: string[] = []
  for (const place of ["data", "sealing"]) {
    for (const { path, bytes } of readBelow(join(directory, place))) {
      for (const [what, needle] of Object.entries(wanted)) {
        const isThere =
          bytes.includes(Buffer.from(needle)) || path.includes(Buffer.from(needle).toString())
        if (isThere) found.push(`${what} in ${path.slice(directory.length + 1)}`)
      }
    }
  }
  return found
}
