import type { AccessList } from "./access-list.ts"
import { isLive } from "./break-glass.ts"
import { courierGrant } from "./courier-grant.ts"
import type { Adapter, Identity } from "./identity.ts"
import { makePatterns } from "./pattern.ts"

/** What somebody may want to do. Of a write, what is left out is not asked about. */
export type Wish =
  | {
      readonly verb: "write"
      readonly source?: string
      readonly action?: string
      readonly adapter?: Adapter
    }
  | { readonly verb: "read" | "operate" }

export interface Explanation {
  readonly allowed: boolean
  /** Line of the access list, from 1; undefined if no line speaks of it. */
  readonly line: number | undefined
  readonly why: string
}

const roleOf = { write: "writer", read: "reader", operate: "operator" } as const

/** Whether the list lets an identity do something at a time (milliseconds since the epoch), and by which line. */
export function explainAccess(
  list: AccessList,
  id: string,
  wish: Wish,
  nowMs: number,
): Explanation {
  const index = list.identities.findIndex((one) => one.id === id)
  const identity = list.identities[index]
  if (identity === undefined)
    return { allowed: false, line: undefined, why: `${id} stands in no line of the list` }
  const line = list.lineOf("identities", index)
  const because = (allowed: boolean, why: string): Explanation => ({ allowed, line, why })
  const { role, expires } = identity
  if (expires !== undefined && nowMs >= expires)
    return because(false, `expired ${new Date(expires).toISOString()}`)
  if (role === "courier" && wish.verb === "write") return explainWrite(courierGrant, wish, because)
  if (role !== roleOf[wish.verb])
    return because(false, `it is a ${role}, not a ${roleOf[wish.verb]}`)
  if (identity.role === "reader") {
    if (identity.breakGlass === true && !isLive(identity, nowMs))
      return because(false, "it is sealed: postern access break-glass open")
    const { see } = identity.grant
    return because(
      true,
      {
        auditor: "sees everything",
        investigator: `sees checkpoints, hash tiles and proofs, and the entries of: ${identity.grant.query}`,
        monitor: "sees checkpoints, hash tiles and proofs, no event",
      }[see],
    )
  }
  if (identity.role !== "writer" || wish.verb !== "write") return because(true, `it is an ${role}`)
  return explainWrite(identity.grant, wish, because)
}

function explainWrite(
  grant: (Identity & { role: "writer" })["grant"],
  { source, action, adapter }: Extract<Wish, { verb: "write" }>,
  because: (allowed: boolean, why: string) => Explanation,
): Explanation {
  if (adapter !== undefined && !grant.adapters.includes(adapter))
    return because(false, `grant.adapters are ${grant.adapters.join(", ")}`)
  const covered: string[] = []
  for (const [name, value] of [
    ["sources", source],
    ["actions", action],
  ] as const) {
    if (value === undefined) continue
    const pattern = grant[name].find((text) => makePatterns([text]).covers(value))
    if (pattern === undefined) return because(false, `grant.${name} do not cover ${value}`)
    covered.push(`grant.${name} holds ${pattern}`)
  }
  const reserved = action?.startsWith("postern.") === true
  if (reserved && grant.internal !== true)
    return because(false, "actions postern.* are the log's own, the grant is not internal")
  if (reserved) covered.push("internal: only what docs/spec/log.md lists")
  return because(true, covered.length === 0 ? "it is a writer" : covered.join("; "))
}
