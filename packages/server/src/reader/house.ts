import { existsSync } from "node:fs"
import { readdir, stat, statfs } from "node:fs/promises"
import { dirname, join } from "node:path"
import { isPosternError } from "@postern/log/base"
import { parseTime } from "@postern/log/event"
import { z } from "zod"
import type { AccessList } from "../access/index.ts"
import { parseStatement } from "../approval/index.ts"
import { type Config, dataDirectories, readDocument, readTextFile } from "../config/index.ts"
import { listSegments, segmentPath } from "../disk/index.ts"
import type { AlertsDesk, DoctorsFindings, HouseView, LogStorage, ReviewWord } from "./api/index.ts"
import { keptFor } from "./kept-for.ts"
import { openPolicyWord } from "./policy-word.ts"
import { openPortFigures } from "./port-figures.ts"
import type { SurveyFollower } from "./survey-follower.ts"
import { textIfAny } from "./text-if-any.ts"

const storageMs = 10_000

/** The house around the log, as the read process finds it on disk and on loopback. What cannot be had is not there. */
export function openHouse(
  config: Config,
  access: () => AccessList,
  follower: SurveyFollower,
  alerts: AlertsDesk,
): HouseView {
  const { log, portState, doctorsWord, keptPolicy } = dataDirectories(config)
  return {
    access,
    survey: () => follower.survey(),
    isSurveyed: () => follower.isComplete(),
    policy: openPolicyWord(keptPolicy),
    port: openPortFigures(config.listen.ops),
    doctor: () => readDoctorsWord(doctorsWord),
    storage: keptFor(storageMs, () => measure(log)),
    review: () => readReview(join(dirname(config.access), "reviews")),
    alerts,
    vkey: async () => (await textIfAny(join(portState, "vkey")))?.trim(),
  }
}

async function measure(log: string): Promise<LogStorage> {
  const absent = { segments: [], usedBytes: 0, freeBytes: -1 }
  if (!existsSync(join(log, "segments"))) return absent
  const segments: { first: number; bytes: number }[] = []
  for (const first of await listSegments(log)) {
    segments.push({ first, bytes: await bytesOfSegment(log, first) })
  }
  let usedBytes = 0
  for (const entry of await readdir(log, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) usedBytes += await bytesOf(join(entry.parentPath, entry.name))
  }
  const { bavail, bsize } = await statfs(log)
  return { segments, usedBytes, freeBytes: bavail * bsize }
}

async function bytesOfSegment(log: string, first: number): Promise<number> {
  const plain = await bytesOf(segmentPath(log, first, "seg"))
  return plain > 0 ? plain : bytesOf(segmentPath(log, first, "segz"))
}

/** Blocks, not length: segments are taken in advance. A file may be gone by now: segments are used again. */
async function bytesOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size, blocks }) => Math.min(size, blocks * 512),
    () => 0,
  )
}

const findingsSchema = z.object({
  at: z.string(),
  findings: z
    .array(
      z.object({
        id: z.string(),
        subject: z.string(),
        result: z.string(),
        severity: z.string(),
        evidence: z.string(),
        fix: z.string(),
      }),
    )
    .max(1000),
})

async function readDoctorsWord(file: string): Promise<DoctorsFindings | undefined> {
  const word = findingsSchema.safeParse(parseJson((await textIfAny(file)) ?? "")).data
  const at = parseTime(word?.at ?? "")
  if (word === undefined || at === undefined) return undefined
  const checks = word.findings.map(({ subject, result, evidence, ...finding }) => ({
    ...finding,
    status: result,
    evidence: `${subject}: ${evidence}`,
  }))
  return { at, checks }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // It is being written by an older version, or was cut off: as if it were not there.
  }
}

const campaignSchema = z.object({
  deadline: z.string(),
  entries: z.array(z.object({ decision: z.string().nullable() })),
})

/** Whoever reviews may keep the reviews from this process; then there is nothing to say of them. */
async function readReview(directory: string): Promise<ReviewWord | undefined> {
  try {
    const names = existsSync(directory) ? (await readdir(directory)).toSorted() : []
    return reviewOf(directory, names)
  } catch (error) {
    const isOurs = isPosternError(error) || (error as NodeJS.ErrnoException).code !== undefined
    if (!isOurs) throw error
    return undefined
  }
}

function reviewOf(directory: string, names: readonly string[]): ReviewWord | undefined {
  const due = names
    .filter((name) => name.endsWith(".yaml.signed"))
    .map((name) => parseStatement(readTextFile(join(directory, name))).fields.due ?? "")
    .toSorted()
    .at(-1)
  const newest = names.filter((name) => name.endsWith(".yaml")).at(-1)
  const today = new Date().toISOString().slice(0, 10)
  if (newest !== undefined && !names.includes(`${newest}.signed`)) {
    const { value } = readDocument(readTextFile(join(directory, newest)), campaignSchema, {
      ...{ code: "CONFIG_INVALID", textMax: 16_777_216, where: newest },
    })
    const answered = value.entries.filter(({ decision }) => (decision ?? "") !== "").length
    const state = value.deadline <= today ? "overdue" : "open"
    return { due: value.deadline, state, answered, of: value.entries.length }
  }
  if (due === undefined) return undefined
  const soon = new Date(Date.now() + 14 * 86_400_000).toISOString().slice(0, 10)
  const state = due <= today ? "overdue" : due <= soon ? "due" : "ok"
  return { due, state, answered: 0, of: 0 }
}
