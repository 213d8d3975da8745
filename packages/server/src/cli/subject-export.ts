import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Writable } from "node:stream"
import { finished } from "node:stream/promises"
import { loadProfile } from "@postern/client"
import { decodeUtf8, PosternError } from "@postern/log/base"
import { digestsOf, discloseEvent, formatTime, parseEntry } from "@postern/log/event"
import { checkEvidence, pinnedPolicy } from "@postern/log/evidence"
import type { AskDisclosure } from "../guard/verify/index.ts"
import type { ListedValues } from "./erasure-errands.ts"
import { makeEvidenceFile } from "./evidence-making.ts"
import type { CommandIo } from "./io.ts"
import { disclosuresOf, openReadExchange } from "./read-port-tiles.ts"

/** What an export came to. */
export interface SubjectExport {
  readonly entries: number
  readonly values: number
  /** Values that the port did not hand out. */
  readonly withheld: number
  readonly evidence: readonly string[]
}

/** Of a question to the read port, which bounds its length. */
const indexesMax = 800
const askedAtOnce = 8

/**
 * Entries and values of one person as lines of JSON, through the read port, which records each question. Of other persons in the same entry only
 * digests are given. @param evidence the file with the proofs; further ones are numbered
 */
export async function exportSubject(
  profilePath: string,
  { list }: Pick<ListedValues, "list">,
  { output, evidence }: { readonly output: Writable; readonly evidence: string | undefined },
  io: CommandIo,
): Promise<SubjectExport> {
  const profile = loadProfile(profilePath)
  const exchange = openReadExchange(profile)
  const work = mkdtempSync(join(tmpdir(), "postern-export-"))
  const done = { entries: 0, values: 0, withheld: 0, evidence: [] as string[] }
  try {
    for (let at = 0; at < list.length; at += indexesMax) {
      const some = list.slice(at, at + indexesMax)
      const file = fileOf(evidence ?? join(work, "entries.evidence"), at / indexesMax)
      const indexes = some.map(({ index }) => index)
      const question = { ask: { kind: "indexes", indexes }, disclosed: false } as const
      await makeEvidenceFile({ kind: "profile", path: profilePath }, question, file, io)
      if (evidence !== undefined) done.evidence.push(file)
      const leaves = await leavesIn(file, profile.log.vkey)
      for (let i = 0; i < some.length; i += askedAtOnce) {
        const asked = some.slice(i, i + askedAtOnce)
        const lines = await Promise.all(
          asked.map((one) => lineOf(one, leaves, disclosuresOf(exchange))),
        )
        for (const { text, values, withheld } of lines) {
          output.write(`${text}\n`)
          done.entries += 1
          done.values += values
          done.withheld += withheld
        }
      }
    }
    return done
  } finally {
    exchange.close()
    rmSync(work, { recursive: true })
  }
}

/** A stream for a file that only its owner reads; it must not be there yet. Errors: ALREADY_EXISTS. */
export async function toFile<T>(path: string, use: (output: Writable) => Promise<T>): Promise<T> {
  const output = createWriteStream(path, { mode: 0o600, flags: "wx" })
  const ended = finished(output).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? new PosternError("ALREADY_EXISTS", path) : error
  })
  const used = use(output).finally(() => output.end())
  const [result] = await Promise.all([used, ended])
  return result
}

function fileOf(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number + 1}`
}

async function leavesIn(file: string, vkey: string): Promise<ReadonlyMap<number, Uint8Array>> {
  const leaves = new Map<number, Uint8Array>()
  const onLeaf = ({ index, leaf }: { index: number; leaf: Uint8Array }) =>
    void leaves.set(index, leaf.slice())
  await checkEvidence(createReadStream(file), pinnedPolicy([vkey]), { onLeaf })
  return leaves
}

async function lineOf(
  { index, digests }: ListedValues["list"][number],
  leaves: ReadonlyMap<number, Uint8Array>,
  ask: AskDisclosure,
): Promise<{ text: string; values: number; withheld: number }> {
  const leaf = leaves.get(index)
  if (leaf === undefined) throw new PosternError("EVIDENCE_INVALID", `entry ${index} is not in it`)
  const { stamp, event } = parseEntry(leaf)
  const named = new Set(digestsOf(event))
  const values: Uint8Array[] = []
  const disclosures: object[] = []
  for (const digest of digests) {
    const found = await ask(index, digest)
    const { state } = found
    if (found.state !== "held") {
      disclosures.push({ digest, state })
      continue
    }
    if (named.has(digest)) values.push(found.json)
    disclosures.push({ digest, disclosure: decodeUtf8(found.json) })
  }
  const received = formatTime(stamp.received)
  const line = { index, received, event: discloseEvent(event, values), disclosures }
  const held = disclosures.filter((one) => "disclosure" in one).length
  return { text: JSON.stringify(line), values: held, withheld: disclosures.length - held }
}
