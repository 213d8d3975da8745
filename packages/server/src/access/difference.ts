import { allOf, parseQuery, type Query } from "@postern/log/query"
import type { AccessList } from "./access-list.ts"
import { parseCadence } from "./cadence.ts"
import { type Cidr, parseCidr } from "./cidr.ts"
import { type Identity, readerSees } from "./identity.ts"
import { makePatterns } from "./pattern.ts"
import type { Place } from "./place.ts"
import type { Revocation } from "./revocation.ts"

/** One thing that two lists say differently. */
export interface AccessChange {
  /** A SPIFFE ID, or what was revoked. */
  readonly subject: string
  /** What is different, for a person. */
  readonly text: string
  /** Somebody may do more than before, or is watched less. */
  readonly weakens: boolean
}

/** What changes with the list `after`, by identity; nothing of order and comments. Expired identities count as they stand. */
export function diffAccess(before: AccessList, after: AccessList): readonly AccessChange[] {
  const olds = new Map(before.identities.map((one) => [one.id, one]))
  const news = new Map(after.identities.map((one) => [one.id, one]))
  return [
    ...before.identities.filter(({ id }) => !news.has(id)).map(removed),
    ...after.identities.flatMap((one) => {
      const old = olds.get(one.id)
      if (old === undefined) return [added(one)]
      return old.role === one.role ? changesOf(old, one) : [removed(old), added(one)]
    }),
    ...revocationChanges(before.revoked, after.revoked),
    ...approvalChanges(before.approvals?.weakening ?? 0, after.approvals?.weakening ?? 0),
  ]
}

function approvalChanges(before: number, after: number): AccessChange[] {
  if (before === after) return []
  return [
    { subject: "approvals", text: `weakening: ${before} -> ${after}`, weakens: after < before },
  ]
}

function removed({ id, role }: Identity): AccessChange {
  return { subject: id, text: `removed (${role})`, weakens: false }
}

/** A writer adds to the log under its own name only: it weakens if it may speak for the log itself, or a firewall opens for it. */
function added(one: Identity): AccessChange {
  const isWriter = one.role === "writer"
  const weakens = !isWriter || one.grant.internal === true || one.from !== undefined
  return { subject: one.id, text: `added: ${describe(one)}`, weakens }
}

function describe(one: Identity): string {
  if (one.role === "writer") {
    const { sources, actions, adapters, internal } = one.grant
    const special = internal === true ? ", internal" : ""
    return `writer by ${adapters.join(",")}, sources ${sources.join(",")}, actions ${actions.join(",")}${special}`
  }
  const sealed = isBreakGlass(one) ? ", break-glass" : ""
  return one.role === "reader" ? `reader, sees ${seesOf(one.grant)}${sealed}` : one.role
}

function seesOf({ see, query }: ReaderText): string {
  return query === undefined ? see : `${see} of ${query}`
}

function changesOf(old: Identity, one: Identity): AccessChange[] {
  const changes: AccessChange[] = []
  const { id: subject } = one
  const say = (text: string, weakens: boolean): void => {
    changes.push({ subject, text, weakens })
  }
  const bound = (name: string, a?: number, b?: number, show = (one: number) => `${one}`): void => {
    if (a === b) return
    const wider = (b ?? Number.POSITIVE_INFINITY) > (a ?? Number.POSITIVE_INFINITY)
    const [was, is] = [a, b].map((one) => (one === undefined ? "none" : show(one)))
    say(`${name}: ${was} -> ${is}`, wider)
  }
  bound("expires", old.expires, one.expires, (time) => new Date(time).toISOString())
  if (isBreakGlass(old) !== isBreakGlass(one))
    say(`breakGlass: ${isBreakGlass(old)} -> ${isBreakGlass(one)}`, isBreakGlass(old))
  for (const name of ["owner", "ticket"] as const) {
    if (old[name] !== one[name])
      say(`${name}: ${old[name] ?? "none"} -> ${one[name] ?? "none"}`, false)
  }
  if (old.role !== "courier" && one.role !== "courier")
    placeChanges(old.from ?? [], one.from ?? [], say)
  if (old.role === "reader" && one.role === "reader" && old.grant.see !== one.grant.see) {
    const rank = (grant: ReaderText) => readerSees.indexOf(grant.see)
    say(`see: ${old.grant.see} -> ${one.grant.see}`, rank(one.grant) > rank(old.grant))
  }
  if (old.role === "reader" && one.role === "reader") queryChange(old.grant, one.grant, say)
  if (old.role !== "writer" || one.role !== "writer") return changes
  bound("cadence", msOf(old.cadence), msOf(one.cadence), (ms) => `${ms / 1000} s`)
  const [a, b] = [old.grant, one.grant]
  listChanges("adapters", a.adapters, b.adapters, (way) => a.adapters.includes(way as never), say)
  for (const name of ["sources", "actions"] as const) {
    const held = makePatterns(a[name])
    listChanges(name, a[name], b[name], (text) => covers(held.texts, text), say)
  }
  for (const name of ["eventsPerSecond", "bytesPerSecond", "eventBytes"] as const)
    bound(name, a[name], b[name])
  if ((a.internal ?? false) !== (b.internal ?? false))
    say(`internal: ${a.internal ?? false} -> ${b.internal ?? false}`, b.internal === true)
  return changes
}

type ReaderText = (Identity & { role: "reader" })["grant"]

/** Whether one query finds less than another cannot be known in general: it does if it is the same with more that must hold. */
function queryChange(old: ReaderText, one: ReaderText, say: Say): void {
  if (old.query === one.query || old.query === undefined || one.query === undefined) return
  const isNarrower = sameQuery(parseQuery(one.query), allOf(queries(old.query, one.query)))
  say(`query: ${old.query} -> ${one.query}`, !isNarrower)
}

/** The conditions of both, each once. */
function queries(...texts: readonly string[]): Query[] {
  const parts = texts.map(parseQuery).flatMap((one) => (one.kind === "and" ? one.parts : [one]))
  return parts.filter((part, i) => parts.findIndex((other) => sameQuery(part, other)) === i)
}

/** In whatever order the conditions stand. */
function sameQuery(a: Query, b: Query): boolean {
  const text = (query: Query) =>
    query.kind === "and"
      ? JSON.stringify(query.parts.map((part) => JSON.stringify(part)).sort())
      : JSON.stringify(query)
  return text(a) === text(b)
}

function isBreakGlass(one: Identity): boolean {
  return one.role === "reader" && one.breakGlass === true
}

function msOf(cadence: string | undefined): number | undefined {
  return cadence === undefined ? undefined : parseCadence(cadence)
}

type Say = (text: string, weakens: boolean) => void

function listChanges(
  name: string,
  before: readonly string[],
  after: readonly string[],
  held: (text: string) => boolean,
  say: Say,
): void {
  for (const text of before) if (!after.includes(text)) say(`${name}: - ${text}`, false)
  for (const text of after) if (!before.includes(text)) say(`${name}: + ${text}`, !held(text))
}

/** Whether everything that one pattern covers is covered by the others. */
function covers(held: readonly string[], pattern: string): boolean {
  return held.some(
    (text) => text === pattern || (text.endsWith("*") && pattern.startsWith(text.slice(0, -1))),
  )
}

function placeChanges(before: readonly Place[], after: readonly Place[], say: Say): void {
  const text = (place: Place) => place.cidr ?? JSON.stringify(place)
  const networks = before.flatMap(({ cidr }) => (cidr && parseCidr(cidr)) || [])
  const held = (place: string): boolean => {
    const network = parseCidr(place)
    return network !== undefined && networks.some((one) => holdsNetwork(one, network))
  }
  listChanges("from", before.map(text), after.map(text), held, say)
}

function holdsNetwork(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false
  const hostBits = BigInt((outer.family === 4 ? 32 : 128) - outer.bits)
  return outer.address >> hostBits === inner.address >> hostBits
}

function revocationChanges(
  before: readonly Revocation[],
  after: readonly Revocation[],
): AccessChange[] {
  const subject = ({ serial, key }: Revocation) =>
    serial === undefined ? `key ${key}` : `serial ${serial}`
  const [olds, news] = [before.map(subject), after.map(subject)]
  return [
    ...olds
      .filter((one) => !news.includes(one))
      .map((one) => ({ subject: one, text: "not revoked any more", weakens: true })),
    ...news
      .filter((one) => !olds.includes(one))
      .map((one) => ({ subject: one, text: "revoked", weakens: false })),
  ]
}
