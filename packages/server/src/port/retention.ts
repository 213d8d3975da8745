import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { formatBase64, PosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import {
  type DisclosurePlaces,
  type KeyId,
  listExpiredMonths,
  removeMonths,
  type SealedRoom,
} from "../disclosures/index.ts"
import {
  dropIntent,
  followLog,
  readSegmentAges,
  replaceFile,
  rootBefore,
  type SegmentAge,
  writeIntent,
} from "../disk/index.ts"
import { type Policy, type RetentionRule, retentionRule } from "../policy/rules/index.ts"
import {
  dueClassMonths,
  dueTo,
  formatHolds,
  type Hold,
  holdsDigest,
  holdsMax,
  isOldEnoughToEnd,
  keptBelow,
  parseHolds,
  readHold,
} from "../retention/index.ts"
import type { Clock } from "./clock.ts"
import type { CommitLoop } from "./commit-loop.ts"
import type { OwnEntry, OwnStream } from "./own-stream.ts"
import type { PrunedStore } from "./unfinished-pruning.ts"

/** Of keys in one entry. */
const namedMax = 100

export interface RetentionWorld {
  readonly store: PrunedStore & { endSegment(): void }
  readonly own: Pick<OwnStream, "record">
  readonly commits: Pick<CommitLoop, "head" | "afterDurable">
  readonly clock: Pick<Clock, "microseconds">
  readonly sealed: Pick<SealedRoom, "keyOf" | "destroy">
  /** Where values lie that were too large for their entries, and their keys. */
  readonly bodies: DisclosurePlaces
  /** Where the holds are remembered. */
  readonly holdsFile: string
  /** The policy in force. */
  policy(): Policy
  /** Whether a witness says that the clock is wrong. */
  isClockWrong(): boolean
}

/** What a run did. */
export interface RetentionDone {
  readonly pruned:
    | { readonly from: number; readonly to: number; readonly bytes: number }
    | undefined
  /** Names of keys that are destroyed. */
  readonly keys: readonly string[]
}

/**
 * Lets go what is due, on an operator's word (docs/spec/retention.md), and remembers what must not. Every step is durable before
 * the next; what a crash leaves is ended by `finishPruning` at the next start.
 */
export class Retention {
  readonly #world: RetentionWorld
  #holds: readonly Hold[]
  #turn: Promise<unknown> = Promise.resolve()

  /** Errors: LOG_DAMAGED if the holds cannot be read. */
  constructor(world: RetentionWorld) {
    this.#world = world
    const { holdsFile } = world
    this.#holds = existsSync(holdsFile) ? parseHolds(readFileSync(holdsFile, "utf8")) : []
  }

  state(): object {
    const { store, policy } = this.#world
    const { digest, retention } = policy()
    const holds = this.#holds
    const held = { holds, holdsDigest: holdsDigest(holds) }
    return { policy: digest, retention, minimum: store.minimum, ...held }
  }

  /** Holds what matches a query. Errors: QUERY_INVALID, REQUEST_INVALID, DISK_FULL. */
  hold(told: unknown, operator: string): Promise<{ readonly hold: string }> {
    const { query, reason } = readHold(told)
    return this.#alone(async () => {
      if (this.#holds.length >= holdsMax)
        throw new PosternError("REQUEST_INVALID", `there are ${holdsMax} holds already`)
      const id = randomUUID()
      const since = new Date(this.#world.clock.microseconds() / 1000).toISOString()
      await this.#keep([...this.#holds, { id, query, reason, operator, since }])
      const data = { hold: id, query, reason, operator }
      await this.#record({ action: "postern.retention.held", outcome: "success", data })
      return { hold: id }
    })
  }

  /** Ends a hold. The entry comes first: a hold that is gone is said to be. Errors: NOT_FOUND, REQUEST_INVALID, DISK_FULL. */
  release(told: unknown, operator: string): Promise<{ readonly released: string }> {
    const { hold: id, reason } = Object(told) as Readonly<Record<string, unknown>>
    return this.#alone(async () => {
      const hold = this.#holds.find((one) => one.id === id)
      if (hold === undefined) throw new PosternError("NOT_FOUND", "there is no such hold")
      if (typeof reason !== "string" || reason.trim() === "" || reason.length > 2000)
        throw new PosternError("REQUEST_INVALID", "a reason has 1 to 2000 characters")
      const data = { hold: hold.id, reason, operator }
      await this.#record({ action: "postern.retention.released", outcome: "success", data })
      await this.#keep(this.#holds.filter((one) => one !== hold))
      return { released: hold.id }
    })
  }

  /**
   * Removes entries up to `to`, where a segment begins, and destroys the keys that are due. @param told `{to, holds}`: the digest
   * of the holds that were looked at. Errors: RETENTION_NOT_DUE, REQUEST_INVALID, DISK_FULL, DISK_FAILED.
   */
  run(told: unknown, operator: string): Promise<RetentionDone> {
    const { to, holds } = Object(told) as Readonly<Record<string, unknown>>
    return this.#alone(async () => {
      const { store, clock, policy, isClockWrong } = this.#world
      const rule = retentionRule(policy().retention)
      if (rule === undefined) throw notDue("the policy has no retention: everything stays")
      if (isClockWrong()) throw notDue("a witness says that this machine's clock is wrong")
      if (holds !== holdsDigest(this.#holds)) throw notDue("there are other holds by now")
      const now = clock.microseconds()
      const ages = await readSegmentAges(store.directory.path)
      if (!ages.some(({ first }) => first === to))
        throw new PosternError("REQUEST_INVALID", "to is where a segment begins")
      if (Number(to) > Math.max(store.minimum, dueTo(ages, rule, now)))
        throw notDue(`entries before ${String(to)} are not all older than ${rule.keep} days`)
      const pruned = await this.#prune(Number(to), ages, rule, operator)
      const keys = await this.#removeBodies(operator)
      if (this.#holds.length === 0) keys.push(...(await this.#destroyKeys(rule, now, operator)))
      if (isOldEnoughToEnd(ages, rule, now)) store.endSegment()
      return { pruned, keys }
    })
  }

  /** Nothing is held, released or let go until `act` has ended. */
  undisturbed<T>(act: (holds: readonly Hold[]) => Promise<T>): Promise<T> {
    return this.#alone(() => act(this.#holds))
  }

  async #prune(
    to: number,
    ages: readonly SegmentAge[],
    rule: RetentionRule,
    operator: string,
  ): Promise<RetentionDone["pruned"]> {
    const { store, commits, policy } = this.#world
    const { path } = store.directory
    const from = store.minimum
    if (to <= from) return undefined
    const going = ages.filter(({ first }) => first < to)
    const bytes = going.reduce((sum, segment) => sum + segment.bytes, 0)
    const kept = await keptBelow(path, to)
    const root = await rootBefore(path, to)
    await writeIntent(path, { to, size: commits.head?.size ?? 0 })
    const entry = await this.#record({
      action: "postern.retention.pruned",
      outcome: "success",
      data: {
        ...{ from, to, root: formatBase64(root), segments: going.length, bytes },
        ...{ kept: kept.length, keep: rule.keep, preset: rule.preset, policy: policy().digest },
        operator,
      },
    })
    await store.prune({ minimum: to, root, entry, kept })
    await dropIntent(path)
    return { from, to, bytes }
  }

  /** Values of months that lie wholly before the log's beginning, with their keys. */
  async #removeBodies(operator: string): Promise<string[]> {
    const { store, bodies, policy } = this.#world
    if (store.minimum === 0) return []
    const received = (await firstReceived(store.directory.path, store.minimum)) / 1000
    const keys = await listExpiredMonths(bodies, received)
    if (keys.length === 0) return keys
    await this.#record({
      action: "postern.retention.keys-destroyed",
      outcome: "success",
      data: { keys, policy: policy().digest, operator },
    })
    await removeMonths(bodies, keys)
    return keys
  }

  /** The one place where keys of classes are destroyed by their age. */
  async #destroyKeys(rule: RetentionRule, now: number, operator: string): Promise<string[]> {
    const { sealed, store, policy } = this.#world
    const due: { readonly name: string; readonly id: KeyId }[] = []
    for (const name of dueClassMonths(rule, await createdAt(store.directory.path), now)) {
      const id = await sealed.keyOf(name)
      if (id !== undefined) due.push({ name: `${name.class} ${name.month}`, id })
    }
    for (let at = 0; at < due.length; at += namedMax) {
      const some = due.slice(at, at + namedMax)
      const keys = some.map(({ name }) => name)
      const entry = await this.#record({
        action: "postern.retention.keys-destroyed",
        outcome: "success",
        data: { keys, policy: policy().digest, operator },
      })
      await sealed.destroy(
        some.map(({ id }) => id),
        { entry },
      )
    }
    return due.map(({ name }) => name)
  }

  async #keep(holds: readonly Hold[]): Promise<void> {
    const { holdsFile } = this.#world
    mkdirSync(dirname(holdsFile), { recursive: true, mode: 0o700 })
    await replaceFile(holdsFile, formatHolds(holds))
    this.#holds = holds
  }

  /** Resolves to the entry's index when it is durable. */
  #record(entry: OwnEntry): Promise<number> {
    const { own, commits } = this.#world
    return new Promise((resolve) => {
      own.record({ ...entry, placed: (index) => commits.afterDurable(() => resolve(index)) })
    })
  }

  /** One after the other. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}

/** When the log was made, microseconds. Of a log that says no such time, keys are looked for from 2026 on. */
async function createdAt(directory: string): Promise<number> {
  const { created } = JSON.parse(readFileSync(join(directory, "log.json"), "utf8"))
  const time = Date.parse(String(created))
  return (Number.isNaN(time) ? Date.UTC(2026, 0) : time) * 1000
}

/** When the first entry that is there was received, microseconds. */
async function firstReceived(directory: string, minimum: number): Promise<number> {
  const view = await followLog(directory)
  try {
    const [leaf = new Uint8Array(0)] = await view.leaves(minimum, minimum + 1)
    return parseEntry(leaf).stamp.received
  } finally {
    await view.close()
  }
}

function notDue(detail: string): PosternError {
  return new PosternError("RETENTION_NOT_DUE", detail)
}
