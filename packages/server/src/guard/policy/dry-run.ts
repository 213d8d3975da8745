import { createHash } from "node:crypto"
import { isPosternError } from "@postern/log/base"
import type { Adapter, Level } from "../../policy/rules/index.ts"
import type { Trial, TrialResult } from "./trial.ts"
import { readEventText, type TriedEvent } from "./tried-event.ts"

/** An entry of the log, as the policy is tried on it. */
export interface LoggedEvent {
  /** SPIFFE ID. */
  readonly writer: string
  readonly adapter: Adapter
  readonly receivedMs: number
  /** The event's JSON as it stands in the log. */
  readonly text: string
}

/** What would be done with fields, or with what was detected. */
export interface DoneToFields {
  readonly what: string
  /** Different places, with elements of arrays counted as one. */
  readonly fields: number
  readonly events: number
}

/** The events of one writer that one rule decides about. Counts of what is sampled are what is to be expected, so they may be fractions. */
export interface DryRunGroup {
  readonly writer: string
  /** Undefined if no rule matched. */
  readonly rule: string | undefined
  readonly level: Level
  readonly events: number
  readonly dropped: number
  readonly sampled: number
  readonly deduplicated: number
  /** Could not be kept as the policy says, and would be refused. */
  readonly refused: number
  readonly bytes: number
  readonly bytesKept: number
  /** Of the events: what would be hidden in one place still stands in another. */
  readonly leftOver: number
  readonly did: readonly DoneToFields[]
  readonly detected: readonly { readonly name: string; readonly events: number }[]
}

export interface DryRunReport {
  /** Without those that could not be read. */
  readonly events: number
  readonly bytes: number
  readonly kept: number
  readonly bytesKept: number
  /** Of the events: a policy had changed them before they came into the log. */
  readonly changedBefore: number
  /** Of the events: values of them are kept beside the log, and were not looked at. */
  readonly besides: number
  readonly unreadable: number
  /** By number of events, most first. */
  readonly groups: readonly DryRunGroup[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Group extends Mutable<Omit<DryRunGroup, "did" | "detected">> {
  readonly done: Map<string, { readonly fields: Set<string>; events: number }>
  readonly found: Map<string, number>
  /** Of events that may be one too many of many. */
  readonly contents: { readonly hash: string; readonly atMs: number; readonly bytes: number }[]
  sample: number
  seconds: number
}

/** Different fields of one group that are told apart. */
const fieldsMax = 10_000

/** What a policy would have made of entries, counted. */
export class DryRun {
  readonly #trial: Trial
  readonly #groups = new Map<string, Group>()
  #changedBefore = 0
  #besides = 0
  #unreadable = 0

  constructor(trial: Trial) {
    this.#trial = trial
  }

  /** In any order. */
  add({ writer, adapter, receivedMs, text }: LoggedEvent): void {
    let event: TriedEvent
    let result: TrialResult
    try {
      event = readEventText(text)
      result = this.#trial.try(writer, adapter, event)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#unreadable += 1
      return
    }
    if (text.includes('"_policy":')) this.#changedBefore += 1
    if ("_sd" in event.members) this.#besides += 1
    const group = this.#groupOf(writer, result)
    count(group, event, result)
    const { deduplicateSeconds } = result.decision
    if (deduplicateSeconds === undefined || result.kept === undefined) return
    const hash = contentOf(event)
    group.contents.push({ hash, atMs: receivedMs, bytes: result.kept.length })
  }

  report(): DryRunReport {
    const groups = [...this.#groups.values()].map(finish)
    const sum = (of: (group: DryRunGroup) => number) =>
      groups.reduce((total, group) => total + of(group), 0)
    const events = sum((one) => one.events)
    return {
      events,
      bytes: sum((one) => one.bytes),
      kept: events - sum(lostOf),
      bytesKept: sum((one) => one.bytesKept),
      ...{ changedBefore: this.#changedBefore, besides: this.#besides },
      unreadable: this.#unreadable,
      groups: groups.toSorted((a, b) => b.events - a.events || (a.writer < b.writer ? -1 : 1)),
    }
  }

  #groupOf(writer: string, { decision }: TrialResult): Group {
    const rule = decision.rule?.name
    const { level, sample = 1, deduplicateSeconds: seconds = 0 } = decision
    const key = JSON.stringify([writer, rule, level, sample, seconds])
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const group: Group = {
      ...{ writer, rule, level, sample, seconds, events: 0, bytes: 0, bytesKept: 0 },
      ...{ dropped: 0, sampled: 0, deduplicated: 0, refused: 0, leftOver: 0 },
      ...{ done: new Map(), found: new Map(), contents: [] },
    }
    this.#groups.set(key, group)
    return group
  }
}

function lostOf({ dropped, sampled, deduplicated, refused }: DryRunGroup): number {
  return dropped + sampled + deduplicated + refused
}

function count(group: Group, event: TriedEvent, result: TrialResult): void {
  group.events += 1
  group.bytes += event.size
  group.bytesKept += result.kept?.length ?? 0
  if (result.refused !== undefined) group.refused += 1
  else if (result.kept === undefined) group.dropped += 1
  if (result.leftOver.length > 0) group.leftOver += 1
  for (const what of new Set(result.did.map((one) => one.what))) {
    const done = group.done.get(what) ?? { fields: new Set(), events: 0 }
    group.done.set(what, done)
    done.events += 1
    for (const one of result.did)
      if (one.what === what && done.fields.size < fieldsMax) done.fields.add(fieldOf(one.at))
  }
  for (const name of result.detected) group.found.set(name, (group.found.get(name) ?? 0) + 1)
}

function fieldOf(at: string): string {
  return at.replaceAll(/\/\d+(?=\/|$)/g, "/*")
}

/** Repetitions go first, then what the sample leaves out. */
function finish(group: Group): DryRunGroup {
  const { done, found, contents, sample, seconds, ...counted } = group
  let { deduplicated, bytesKept } = counted
  const firsts = new Map<string, number>()
  for (const { hash, atMs, bytes } of contents.toSorted((a, b) => a.atMs - b.atMs)) {
    const first = firsts.get(hash)
    if (first === undefined || atMs - first > seconds * 1000) firsts.set(hash, atMs)
    else {
      deduplicated += 1
      bytesKept -= bytes
    }
  }
  const { events, dropped, refused } = counted
  const sampled = (events - dropped - refused - deduplicated) * (1 - sample)
  return {
    ...{ ...counted, deduplicated, sampled, bytesKept: bytesKept * sample },
    did: [...done].map(([what, { fields, events: n }]) => ({
      what,
      fields: fields.size,
      events: n,
    })),
    detected: [...found].map(([name, n]) => ({ name, events: n })),
  }
}

/** Equal for events that the port would take for equal; nearly: numbers that are written otherwise count as the same here. */
function contentOf({ members }: TriedEvent): string {
  const { id, time, sentAt, ...rest } = members
  return createHash("sha256").update(JSON.stringify(rest)).digest("base64")
}
