import { z } from "zod"
import type { Desk } from "./desk.ts"
import { describeDisk } from "./disk.ts"
import { portSchema } from "./house-schema.ts"
import { defineRoute, jsonResponse, type Route } from "./route.ts"
import { readWitnesses } from "./witness-marks.ts"

/** How the port is: by the doctor, by the log, and by its own live word. */
export function portRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/port",
    pattern: "/v1/port",
    operation: "getPort",
    summary:
      "How the write port is: doctor, readiness, sessions, refusals, latency, disk, witnesses",
    see: "auditor",
    query: z.strictObject({}),
    answer: { type: "application/json", schema: portSchema },
    handle: async () => jsonResponse(await describePort(desk)),
  })
}

async function describePort(desk: Desk) {
  const { house } = desk.world
  desk.counters.surveys++
  const [figures, witnesses, disk] = await Promise.all([
    house.port(),
    readWitnesses(desk),
    describeDisk(desk),
  ])
  const refusals = [...house.survey().refusals].map(([code, tally]) => ({ code, ...tally }))
  return {
    complete: house.isSurveyed(),
    doctor: await describeDoctor(desk),
    ready: figures?.ready ?? null,
    sessions: figures?.sessions ?? null,
    refusals: refusals.sort((a, b) => b.last - a.last),
    ackMs: figures?.ackMs ?? null,
    disk,
    witnesses,
  }
}

/** The log holds which checks were not well; what was seen, and what to do, stands in the doctor's own word, if it is the same. */
async function describeDoctor({ world: { house } }: Desk) {
  const { doctor: entered } = house.survey()
  const findings = await house.doctor()
  if (findings !== undefined && findings.at >= (entered?.at ?? 0) - sameExaminationUs) {
    return findings
  }
  const checks = (entered?.checks ?? []).map((id) => ({
    ...{ id, severity: "unknown", status: "unknown", evidence: "", fix: "postern doctor" },
  }))
  return { at: entered?.at ?? null, checks }
}

/** The doctor leaves its word a moment before the entry about it is made. */
const sameExaminationUs = 60_000_000
