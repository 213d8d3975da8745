import { PosternError } from "@postern/log/base"
import { z } from "zod"
import type { AdminClient, AtStep, ErrandPath } from "./admin-client.ts"
import type { CommandIo } from "./io.ts"
import { createProgress, type Progress } from "./progress.ts"

/** What the port says of a person's values (docs/spec/erasure.md). */

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const summary = {
  ...{ subject: z.string(), key: z.string(), digest },
  ...{ values: z.int(), entries: z.int(), inside: z.int() },
  ...{ first: z.int().optional(), last: z.int().optional() },
}
const span = { from: z.string().optional(), to: z.string().optional() }
const hold = z.object({ hold: z.string(), query: z.string(), reason: z.string(), entry: z.int() })
const looked = z.object({ ...summary, ...span, held: z.array(hold), approvals: z.int() })
const listed = z.object({
  ...{ ...summary, ...span },
  list: z.array(z.object({ index: z.int(), digests: z.array(z.string()) })),
})
const erased = z.object({
  ...{ ...summary, ground: z.string(), operator: z.string() },
  ...{ began: z.int(), entry: z.int(), approvers: z.array(z.string()) },
})

/** What an erasure would destroy, and what is in its way. */
export type LookedAt = z.output<typeof looked>
/** Which values of which entries are a person's. */
export type ListedValues = z.output<typeof listed>
/** What was destroyed, and the entries that say so. */
export type Erased = z.output<typeof erased>

/** Errors: NOT_FOUND, RATE_LIMITED, and those of the admin plane. */
export async function lookAtErasure(
  admin: AdminClient,
  subject: string,
  io: CommandIo,
): Promise<LookedAt> {
  return check(looked, await runErrand(admin, "erasure/look", { subject }, io))
}

/** Errors: as lookAtErasure. */
export async function listValues(
  admin: AdminClient,
  subject: string,
  io: CommandIo,
): Promise<ListedValues> {
  return check(listed, await runErrand(admin, "subject/entries", { subject }, io))
}

export interface ErasureAsked {
  readonly subject: string
  readonly ground: string
  /** The list that was seen. */
  readonly values: number
  readonly digest: string
}

/** Errors: as lookAtErasure; ERASURE_HELD, ERASURE_CHANGED, APPROVAL_MISSING, DISK_FULL. */
export async function runErasure(
  admin: AdminClient,
  asked: ErasureAsked,
  io: CommandIo,
): Promise<Erased> {
  return check(erased, await runErrand(admin, "erasure/run", asked, io))
}

/** A progress line for each step. */
async function runErrand(
  admin: AdminClient,
  path: ErrandPath,
  told: object,
  io: CommandIo,
): Promise<unknown> {
  let now: { step: string; progress: Progress } | undefined
  const atStep: AtStep = (step, done, of) => {
    if (now?.step !== step) {
      now?.progress.end()
      now = { step, progress: createProgress(io, unitOf(step), false) }
    }
    now.progress.at(done, of)
  }
  try {
    return await admin.errand(path, told, atStep)
  } finally {
    now?.progress.end()
  }
}

function unitOf(step: string): string {
  if (step.includes("packs")) return "bytes"
  return step.includes("keys") ? "keys" : "entries"
}

function check<T>(schema: z.ZodType<T>, answer: unknown): T {
  const result = schema.safeParse(answer)
  if (result.success) return result.data
  throw new PosternError("UNREACHABLE", "the service's answer is not understood")
}
