import { z } from "zod"
import type { AccessList, Identity } from "../../access/index.ts"
import { type CertificateLife, hoursUntil, type WriterSurvey } from "../survey/index.ts"
import type { Desk } from "./desk.ts"
import { writersSchema } from "./house-schema.ts"
import { defineRoute, jsonResponse, type Route } from "./route.ts"

/** Who writes: what the survey has seen of each, beside its line in the access list. */
export function writersRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/writers",
    pattern: "/v1/writers",
    operation: "listWriters",
    summary: "Each writer: when it was seen, how much it wrote, what is missing, what it may do",
    see: "auditor",
    query: z.strictObject({}),
    answer: { type: "application/json", schema: writersSchema },
    handle: async () => jsonResponse(listWriters(desk)),
  })
}

function listWriters({ world: { house, now }, counters }: Desk) {
  counters.surveys++
  const survey = house.survey()
  const lines = linesOf(house.access())
  const ids = [...new Set([...lines.keys(), ...survey.writers.keys()])].sort()
  const nowUs = now() * 1000
  const writers = ids.map((id) => {
    const line = lines.get(id)
    return {
      id,
      ...describeSeen(survey.writers.get(id), nowUs),
      grant: line?.grant ?? null,
      owner: line?.owner ?? null,
      expires: line?.expires === undefined ? null : line.expires * 1000,
    }
  })
  return { complete: house.isSurveyed(), writers }
}

type WriterLine = Identity & { readonly role: "writer" }

function linesOf({ identities }: AccessList): ReadonlyMap<string, WriterLine> {
  const lines = identities.filter((one): one is WriterLine => one.role === "writer")
  return new Map(lines.map((line) => [line.id, line]))
}

const unseen = {
  ...{ lastSeen: null, entries: 0, perHour: new Array<number>(24).fill(0), gaps: 0, losses: 0 },
  ...{ silent: false, streams: 0, certificate: null, addresses: [] },
} as const

function describeSeen(seen: WriterSurvey | undefined, nowUs: number) {
  if (seen === undefined) return unseen
  const { entries, gaps, losses, silent, streams, addresses } = seen
  return {
    ...{ lastSeen: seen.lastSeen ?? null, entries, perHour: hoursUntil(seen.hours, nowUs) },
    ...{ gaps, losses, silent, streams, certificate: describeLife(seen.certificate, nowUs) },
    addresses,
  }
}

function describeLife(life: CertificateLife | undefined, nowUs: number) {
  if (life === undefined) return null
  const { serial, notBefore, notAfter } = life
  const used = (nowUs - notBefore) / Math.max(1, notAfter - notBefore)
  return { serial, notAfter, lifeUsed: Math.min(1, Math.max(0, used)) }
}
