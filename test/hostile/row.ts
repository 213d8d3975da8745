import type { TLSSocket } from "node:tls"
import { type ErrorCode, errorRegistry } from "@postern/log/base"
import { dataOf, type Indexed } from "../support/entries.ts"
import type { FramedClient } from "../support/framed-client.ts"
import type { Grant, Identity, Installation } from "../support/installation.ts"
import type { Place } from "../support/port-process.ts"
import { within } from "../support/waiting.ts"

/** The port's write address, to be called from a loopback address of the row's own where there are many. */
export interface Call extends Place {
  readonly localAddress?: string
}

/** What a row acts with. Writer and address are the row's own, so that its entries can be told from all others. */
export interface Ground {
  readonly installation: Installation
  readonly call: Call
  /** The port's syslog plane, called from the same address. */
  readonly syslog: Call
  readonly ca: string
  readonly writer: Identity
  /** A stream that another writer has open all the time. */
  readonly foreignStream: string
  /** Has the port read its access list again. */
  reload(): Promise<void>
  /** What the port has sent and received and holds, as its metrics say. */
  metric(name: string): Promise<number>
}

/** One thing that is sent. */
export interface Row {
  readonly name: string
  /** The input of the list (inputs.ts) that it is a case of, or several. */
  readonly input?: number | readonly number[]
  /** The grant of the row's writer, where the usual one will not do. */
  readonly grant?: Grant
  /** Sends it, and says in a few words what the port made of it. */
  act(ground: Ground): Promise<string>
  /** What it must say. */
  readonly expects: string
  /** Codes of the `postern.refused` entries that the row's writer or address leaves, and no others. */
  readonly leaves: readonly ErrorCode[]
  /** What else the log must show of it, read back after the run: undefined, or what is wrong. */
  reads?(entries: readonly Indexed[], ground: Ground): string | undefined
  /** A deadline must pass: runs beside the others. */
  readonly isSlow?: true
  /** A flood: how long another writer waited meanwhile is printed. */
  readonly isFlood?: true
}

/** What a writer left in the log, in its order; not what the port says of it. */
export function entriesOf(all: readonly Indexed[], { writer }: Ground): readonly Indexed[] {
  return all.filter(({ stamp, event }) => {
    const opening = all[stamp.open ?? -1]
    const owner = opening === undefined ? undefined : dataOf(opening).writer
    return owner === writer.id && !String(event.action).startsWith("postern.")
  })
}

/** Puts the number of an input on rows. */
export function casesOf(input: number | readonly number[], ...rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row, input }))
}

/** The same rows, with the inputs that they are cases of, by their names: each must be the name of a row. */
export function numbered(
  rows: readonly Row[],
  cases: Readonly<Record<number, readonly string[]>>,
): Row[] {
  const inputsOf = new Map<string, number[]>()
  for (const [number, names] of Object.entries(cases)) {
    for (const name of names) {
      if (!rows.some((row) => row.name === name)) throw new Error(`there is no row "${name}"`)
      inputsOf.set(name, [...(inputsOf.get(name) ?? []), Number(number)])
    }
  }
  return rows.map((row) => {
    const input = inputsOf.get(row.name)
    return input === undefined ? row : { ...row, input }
  })
}

/** A row that must work, odd as it is. */
export function works(name: string, act: Row["act"], expects: string): Row {
  return { name, act, expects, leaves: [] }
}

export function goaway(code: ErrorCode): string {
  return `GOAWAY ${code}`
}

export function problem(code: ErrorCode): string {
  return `${errorRegistry[code].status} ${code}`
}

const answerMsMax = 10_000

/** How a connection ends to which no answer is given: `closed`, or what came all the same. */
export function wordlessEnd(socket: TLSSocket, ms = answerMsMax): Promise<string> {
  const end = new Promise<string>((resolve) => {
    let bytes = 0
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length
    })
    socket.once("close", () => resolve(bytes === 0 ? "closed" : `${bytes} bytes, closed`))
  })
  return within(end, ms, "the end of the connection")
}

/** The port's last word to a framed client. */
export async function lastWord(client: FramedClient, ms = answerMsMax): Promise<string> {
  try {
    const { code, expected } = await client.goaway(ms)
    await client.ended()
    return expected === undefined ? `GOAWAY ${code}` : `GOAWAY ${code} ${expected}`
  } finally {
    client.destroy()
  }
}
