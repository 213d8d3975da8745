import { encodeUtf8, formatHex, limits, PosternError, sha256 } from "@postern/log/base"
import { parseQuery, type Query } from "@postern/log/query"
import { readDocument } from "../config/index.ts"
import { breakGlassMs } from "./break-glass.ts"
import { courierGrant } from "./courier-grant.ts"
import { type Adapter, accessSchema, type Identity } from "./identity.ts"
import { makePatterns, type Patterns } from "./pattern.ts"
import { type CertificateMarks, type Revocation, Revocations } from "./revocation.ts"

/** What a writer may do. One object per writer and list: it can be compared and kept. */
export interface WriterGrant {
  readonly id: string
  readonly adapters: ReadonlySet<Adapter>
  readonly sources: Patterns
  readonly actions: Patterns
  /** Undefined = no limit. */
  readonly eventsPerSecond: number | undefined
  readonly bytesPerSecond: number | undefined
  /** Longest event in bytes; without a limit in the list, 8 MiB: what does not fit an entry is kept beside it. */
  readonly eventBytesMax: number
  /**
   * The reader process or the courier of this installation: may write what docs/spec/log.md lists for it under
   * `postern.`.
   */
  readonly internal: boolean
}

export interface ReaderGrant {
  readonly id: string
  /**
   * monitor: checkpoints, hash tiles, proofs; investigator: the entries that fulfil its query, too; auditor: everything.
   */
  readonly see: "monitor" | "investigator" | "auditor"
  /** Joined to every question of an investigator; nobody else has one. */
  readonly query?: Query
}

/**
 * One version of the access list. An identity has one role. `nowMs` (milliseconds since the epoch)
 * is compared with `expires`: from that moment on the identity is as good as absent.
 */
export interface AccessList {
  /** SHA-256 of the text, lower-case hex. */
  readonly digest: string
  readonly text: string
  /** In the order of the text, expired ones included. */
  readonly identities: readonly Identity[]
  readonly revoked: readonly Revocation[]
  /** How many operators must approve of a list that weakens (docs/spec/approvals.md); undefined = none. */
  readonly approvals: { readonly weakening: number } | undefined
  /** Line of the text, from 1, where this identity or revocation stands. */
  lineOf(list: "identities" | "revoked", index: number): number
  /** Why a certificate is not taken, whatever the grant of its identity is; undefined if it is. */
  revocationOf(marks: CertificateMarks): Revocation | undefined
  writer(id: string, nowMs: number): WriterGrant | undefined
  reader(id: string, nowMs: number): ReaderGrant | undefined
  operator(id: string, nowMs: number): boolean
  /** The courier process of this installation: may bring the port what witnesses said. It is a writer too, of what alerts do. */
  courier(id: string, nowMs: number): boolean
}

/** About 10,000 identities with generous grants. */
const textMax = 8_388_608

/**
 * Text of access.yaml to a list. Unknown keys, unknown values, an id that stands twice and
 * everything else that is not understood is refused as a whole. Errors: ACCESS_INVALID, `line N:
 * field: what is wrong`.
 */
export function parseAccess(text: string): AccessList {
  const kind = { code: "ACCESS_INVALID", textMax } as const
  const { value, lineOf } = readDocument(text, accessSchema, kind)
  const writers = new Map<string, Held<WriterGrant>>()
  const readers = new Map<string, Held<ReaderGrant>>()
  const operators = new Map<string, Held<true>>()
  const couriers = new Map<string, Held<true>>()
  const seen = new Set<string>()
  for (const [index, identity] of value.identities.entries()) {
    if (seen.has(identity.id)) {
      const where = `line ${lineOf(["identities", index, "id"])}: identities[${index}].id`
      throw new PosternError("ACCESS_INVALID", `${where}: ${identity.id} stands twice`)
    }
    seen.add(identity.id)
    const untilMs = identity.expires ?? Number.POSITIVE_INFINITY
    const { id } = identity
    if (identity.role === "writer") writers.set(id, { untilMs, grant: writerGrant(identity) })
    else if (identity.role === "reader") readers.set(id, heldReader(identity))
    else if (identity.role === "operator") operators.set(id, { untilMs, grant: true })
    else {
      couriers.set(id, { untilMs, grant: true })
      writers.set(id, { untilMs, grant: writerGrant({ id, grant: courierGrant }) })
    }
  }
  const revocations = new Revocations(value.revoked)
  return {
    digest: formatHex(sha256(encodeUtf8(text))),
    text,
    identities: value.identities,
    revoked: value.revoked,
    approvals: value.approvals,
    // Read again: the document with its lines is many times the text, and hardly ever asked for.
    lineOf: (list, index) => readDocument(text, accessSchema, kind).lineOf([list, index]),
    revocationOf: (marks) => revocations.find(marks),
    writer: (id, nowMs) => current(writers, id, nowMs),
    reader: (id, nowMs) => current(readers, id, nowMs),
    operator: (id, nowMs) => current(operators, id, nowMs) ?? false,
    courier: (id, nowMs) => current(couriers, id, nowMs) ?? false,
  }
}

interface Held<T> {
  /** Undefined = from ever. */
  readonly fromMs?: number
  readonly untilMs: number
  readonly grant: T
}

function current<T>(all: ReadonlyMap<string, Held<T>>, id: string, nowMs: number): T | undefined {
  const held = all.get(id)
  const isNow = held !== undefined && nowMs >= (held.fromMs ?? 0) && nowMs < held.untilMs
  return isNow ? held.grant : undefined
}

/** Break-glass access is live in the last hour before its end only: sealed, it has no end, and so no such hour. */
function heldReader({ id, grant, breakGlass, expires }: Identity & { role: "reader" }) {
  const { see, query } = grant
  const reader: ReaderGrant =
    query === undefined ? { id, see } : { id, see, query: parseQuery(query) }
  const held = { grant: reader, untilMs: expires ?? Number.POSITIVE_INFINITY }
  return breakGlass === true ? { ...held, fromMs: held.untilMs - breakGlassMs } : held
}

function writerGrant(identity: Pick<Identity & { role: "writer" }, "id" | "grant">): WriterGrant {
  const { grant } = identity
  return {
    id: identity.id,
    adapters: new Set(grant.adapters),
    sources: makePatterns(grant.sources),
    actions: makePatterns(grant.actions),
    eventsPerSecond: grant.eventsPerSecond,
    bytesPerSecond: grant.bytesPerSecond,
    eventBytesMax: grant.eventBytes ?? limits.disclosureBytesMax,
    internal: grant.internal ?? false,
  }
}
