import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { dirname } from "node:path"
import { PosternError } from "@postern/log/base"
import { type KeyId, parseKeyId, type SealedRoom } from "../disclosures/index.ts"
import { type LogView, replaceFile, syncDirectory } from "../disk/index.ts"
import { summarise } from "../erasure/index.ts"
import type { CommitLoop } from "./commit-loop.ts"
import { entriesAt } from "./entries-at.ts"
import type { AtStep } from "./errands.ts"
import type { OwnEntry, OwnStream } from "./own-stream.ts"
import { findValues } from "./subject-values.ts"

/** The steps of an erasure behind its point of no return, for a life that began it and for the one that ends it. */

export interface ErasingWorld {
  readonly own: Pick<OwnStream, "record">
  readonly commits: Pick<CommitLoop, "afterDurable">
  readonly sealed: Pick<SealedRoom, "keyOf" | "knownPseudonymOf" | "entriesOf" | "destroy">
  /** What is being erased, until it is. */
  readonly intentFile: string
  openView(): Promise<LogView>
}

/** Written before the entry that says what begins. */
export interface ErasureIntent {
  /** Entries of the log when it was written: the entry comes behind. */
  readonly size: number
  readonly key: string
}

/** An erasure whose first entry is durable. */
export interface BegunErasure {
  /** Index of that entry. */
  readonly began: number
  readonly key: KeyId
  /** As the entry has it. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Who ended an erasure that did not end by itself: the next start of the port, or the next one that was asked for. */
export type EndedBy = "start" | "next"

/** Errors: DISK_FULL, DISK_FAILED. */
export async function keepIntent(
  { intentFile }: Pick<ErasingWorld, "intentFile">,
  intent: ErasureIntent,
): Promise<void> {
  mkdirSync(dirname(intentFile), { recursive: true, mode: 0o700 })
  await replaceFile(intentFile, `${JSON.stringify(intent)}\n`)
}

/** Destroys the key, looks once more for what it had sealed, and says so. */
export async function completeErasure(
  world: ErasingWorld,
  { began, key, data }: BegunErasure,
  at: AtStep,
  endedBy?: EndedBy,
): Promise<object> {
  const { sealed, commits, openView } = world
  const onProgress = (done: number, of: number): void => at("writing the other keys anew", done, of)
  await sealed.destroy([key], { entry: began, onProgress })
  // What was sealed since the list was made went with the key: the list of now is the one that counts.
  await new Promise<void>((resolve) => commits.afterDurable(resolve))
  const { list, inside } = await findValues(key, sealed, openView, at)
  const { subject, ground, operator, approvers } = data
  const said = {
    ...{ subject, key: data.key, ground, ...summarise(list) },
    inside: inside.reduce((sum, { digests }) => sum + digests.length, 0),
    ...{ began, operator, approvers, endedBy },
  }
  const entry = await recordDurably(world, {
    ...{ action: "postern.erased", outcome: "success" },
    targets: [{ type: "subject", id: String(subject) }],
    data: said,
  })
  await dropIntent(world)
  return { entry, ...said }
}

/**
 * Ends what was begun, by a life before this one or without room on the disk: if the entry that says so is durable, the key goes; else nothing happened
 * (docs/spec/erasure.md, Steps). Errors: LOG_DAMAGED, DISK_FULL, DISK_FAILED.
 */
export async function finishErasure(world: ErasingWorld, by: EndedBy): Promise<void> {
  const intent = readIntent(world.intentFile)
  if (intent === undefined) return
  await new Promise<void>((resolve) => world.commits.afterDurable(resolve))
  const begun = await findBegun(world, intent)
  if (begun === undefined) await dropIntent(world)
  else await completeErasure(world, begun, () => undefined, by)
}

/** Resolves to the entry's index when it is durable. */
export function recordDurably(
  { own, commits }: Pick<ErasingWorld, "own" | "commits">,
  entry: OwnEntry,
): Promise<number> {
  return new Promise((resolve) => {
    own.record({ ...entry, placed: (index) => commits.afterDurable(() => resolve(index)) })
  })
}

function readIntent(file: string): ErasureIntent | undefined {
  if (!existsSync(file)) return undefined
  try {
    const { size, key } = JSON.parse(readFileSync(file, "utf8"))
    if (Number.isSafeInteger(size) && parseKeyId(String(key)) !== undefined) return { size, key }
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", `${file} cannot be read`, { cause })
  }
  throw new PosternError("LOG_DAMAGED", `${file} does not say what was to be erased`)
}

async function dropIntent({ intentFile }: Pick<ErasingWorld, "intentFile">): Promise<void> {
  await rm(intentFile, { force: true })
  await syncDirectory(dirname(intentFile))
}

/** Undefined if the erasure did not begin, or is said to be done. Few entries were written after the intent. */
async function findBegun(
  { openView }: Pick<ErasingWorld, "openView">,
  { size, key }: ErasureIntent,
): Promise<BegunErasure | undefined> {
  const view = await openView()
  try {
    const { size: end } = view.head()
    let begun: BegunErasure | undefined
    for (let first = size; first < end; first += searchedAtATime) {
      const count = Math.min(searchedAtATime, end - first)
      const indexes = Array.from({ length: count }, (_, i) => first + i)
      for await (const { index, entry } of entriesAt(view, indexes)) {
        // Nobody else may write an action that begins so.
        const { action, data } = entry.event
        const said = Object(data) as Readonly<Record<string, unknown>>
        const id = parseKeyId(key)
        if (said.key !== key || id === undefined) continue
        if (action === "postern.erasure.began") begun = { began: index, key: id, data: said }
        if (action === "postern.erased") begun = undefined
      }
    }
    return begun
  } finally {
    await view.close()
  }
}

const searchedAtATime = 4096
