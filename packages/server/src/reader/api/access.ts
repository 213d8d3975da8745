import { z } from "zod"
import type { Identity } from "../../access/index.ts"
import type { Desk } from "./desk.ts"
import { accessSchema } from "./house-schema.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"

/**
 * Who may do what. An investigator sees its own line only: who else may read, and what, is none of its business.
 */
export function accessRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/access",
    pattern: "/v1/access",
    operation: "getAccess",
    summary: "The access list in force, when each identity was seen, and how its review stands",
    see: "investigator",
    query: z.strictObject({}),
    answer: { type: "application/json", schema: accessSchema },
    handle: async (question) => jsonResponse(await describeAccess(desk, question)),
  })
}

async function describeAccess({ world: { house, now }, counters }: Desk, { grant }: Question) {
  counters.surveys++
  const { digest, identities, revoked } = house.access()
  const complete = house.isSurveyed()
  const seen = house.survey()
  const describe = (identity: Identity) => {
    const { id, role, owner, ticket, expires } = identity
    const lastSeen =
      (role === "writer" ? seen.writers.get(id)?.lastSeen : seen.others.get(id)) ?? null
    return {
      ...{ id, role, grant: grantOf(identity), owner: owner ?? null, reason: ticket ?? null },
      ...{ expires: expires === undefined ? null : expires * 1000, lastSeen },
      flags: flagsOf(identity, complete && lastSeen === null, now()),
    }
  }
  if (grant.see !== "auditor") {
    const own = identities.filter(({ id }) => id === grant.id)
    return { complete, digest, identities: own.map(describe), revoked: [], review: null }
  }
  const review = (await house.review()) ?? null
  return { complete, digest, identities: identities.map(describe), revoked, review }
}

function grantOf(identity: Identity) {
  return identity.role === "writer" || identity.role === "reader" ? identity.grant : null
}

const soonMs = 14 * 86_400_000

function flagsOf(identity: Identity, isUnused: boolean, nowMs: number): string[] {
  const { expires = Number.POSITIVE_INFINITY, owner, role } = identity
  const flags: string[] = []
  if (expires <= nowMs) flags.push("expired")
  else if (expires - nowMs < soonMs) flags.push("expires soon")
  if (owner === undefined) flags.push("ownerless")
  if (role === "writer") {
    const { sources, actions } = identity.grant
    if (sources.includes("*") || actions.includes("*")) flags.push("wildcard")
  }
  // What couriers do is no entry of theirs.
  if (isUnused && role !== "courier") flags.push("unused")
  return flags
}
