import { type Entry, parseEntry, parseTime } from "@postern/log/event"
import { stampMarks } from "./stamp-marks.ts"
import {
  addressesMax,
  type CertificateLife,
  countHour,
  namesMax,
  type Survey,
  type SurveyStream,
  writerOf,
} from "./survey.ts"

export interface SurveyWorld {
  /** Whether this writer is a process of the installation, whose entries say something about others. */
  isInternal(id: string): boolean
}

/**
 * Takes the entry at `survey.position` in.
 * @throws PosternError ENTRY_SYNTAX for an own entry that is none
 */
export function surveyLeaf(survey: Survey, leaf: Uint8Array, world: SurveyWorld): void {
  const index = survey.position
  survey.position = index + 1
  const marks = stampMarks(leaf)
  if (marks === undefined) return
  const { received, open } = marks
  survey.newest = received
  survey.bytesInAll += leaf.length
  countHour(survey.bytes, received, leaf.length)
  // The port's own stream is opened by the first entry of each of its lives, which names itself.
  if (open === index) beginLife(survey, index)
  const stream = survey.streams.get(open)
  if (stream === undefined) return
  if (stream.own !== "port") {
    const writer = survey.writers.get(stream.writer)
    if (writer !== undefined) {
      writer.lastSeen = received
      writer.entries++
      countHour(writer.hours, received, 1)
    }
  }
  if (stream.own !== undefined) takeOwn(survey, parseEntry(leaf), index, stream, world)
}

/** Streams of writers outlive the port; only its own ends with it. */
function beginLife({ streams }: Survey, index: number): void {
  for (const [open, { own }] of streams) if (own === "port") streams.delete(open)
  streams.set(index, { id: "", writer: "", own: "port" })
}

type Facts = Readonly<Record<string, unknown>>

function takeOwn(
  survey: Survey,
  { event, stamp }: Entry,
  index: number,
  { own, writer }: SurveyStream,
  world: SurveyWorld,
): void {
  const data = isRecord(event.data) ? event.data : {}
  const { received } = stamp
  const action = String(event.action)
  if (own === "process") return takeProcess(survey, action, event, data, received)
  const by = textOf(data.operator) ?? textOf(data.by)
  if (by?.startsWith("spiffe://")) seeOther(survey, by, received)
  switch (action) {
    case "postern.stream.opened":
      return openStream(survey, index, data, world)
    case "postern.stream.closed":
      return closeStream(survey, data)
    case "postern.stream.gap":
      return addGap(survey, data)
    case "postern.loss": // Its count is of connections: how much was lost nobody knows.
      return addGap(survey, { writer: data.writer })
    case "postern.refused":
      return addRefusal(survey, data, received)
    case "postern.writer.silent":
    case "postern.writer.heard": {
      const known = writerOf(survey, textOf(data.writer) ?? writer)
      if (known !== undefined) known.silent = action.endsWith("silent")
      return
    }
    case "postern.doctor.examined":
      survey.doctor = {
        at: received,
        result: textOf(data.result) ?? "unknown",
        checks: Array.isArray(data.checks) ? data.checks.map(String) : [],
      }
      return
    default: // What else the port says, no page of the survey shows.
  }
}

/** The reader process says who asked; processes say which certificate they go on with. */
function takeProcess(
  survey: Survey,
  action: string,
  event: Facts,
  data: Facts,
  received: number,
): void {
  if (action === "postern.tls.loaded") {
    const writer = survey.writers.get(textOf(data.id) ?? "")
    if (writer !== undefined) writer.certificate = lifeOf(data) ?? writer.certificate
    return
  }
  const actor = isRecord(event.actor) ? event.actor : {}
  const id = textOf(actor.id)
  if (actor.type === "reader" && id !== undefined) seeOther(survey, id, received)
}

function openStream(survey: Survey, index: number, data: Facts, world: SurveyWorld): void {
  const id = textOf(data.writer)
  const writer = id === undefined ? undefined : writerOf(survey, id)
  if (id === undefined || writer === undefined) return
  const own = world.isInternal(id) ? "process" : undefined
  survey.streams.set(index, { id: textOf(data.stream) ?? "", writer: id, own })
  writer.streams++
  writer.certificate = lifeOf(data) ?? writer.certificate
  const host = textOf(data.from)?.replace(/:\d+$/, "")
  if (host === undefined) return
  const before = writer.addresses.indexOf(host)
  if (before !== -1) writer.addresses.splice(before, 1)
  writer.addresses.push(host)
  if (writer.addresses.length > addressesMax) writer.addresses.shift()
}

function closeStream(survey: Survey, { open }: Facts): void {
  const stream = typeof open === "number" ? survey.streams.get(open) : undefined
  if (stream === undefined || stream.own === "port") return
  survey.streams.delete(open as number)
  const writer = survey.writers.get(stream.writer)
  if (writer !== undefined) writer.streams--
}

function addGap(survey: Survey, data: Facts): void {
  const writer = survey.writers.get(textOf(data.writer) ?? "")
  if (writer === undefined) return
  writer.gaps++
  writer.losses += countOf(data.count)
}

/** Whole requests that were turned away say nothing about events: a sender that repeats loses none. */
function addRefusal(survey: Survey, data: Facts, received: number): void {
  const code = textOf(data.code) ?? "unknown"
  const count = countOf(data.count)
  const known = survey.refusals.get(code)
  if (known === undefined) survey.refusals.set(code, { count, last: received })
  else Object.assign(known, { count: known.count + count, last: received })
  const writer = survey.writers.get(textOf(data.writer) ?? "")
  if (writer !== undefined && code.startsWith("EVENT_")) writer.losses += count
}

function seeOther({ others }: Survey, id: string, received: number): void {
  if (others.has(id) || others.size < namesMax) others.set(id, received)
}

function lifeOf({ serial, notBefore, notAfter }: Facts): CertificateLife | undefined {
  const from = parseTime(textOf(notBefore) ?? "")
  const to = parseTime(textOf(notAfter) ?? "")
  if (typeof serial !== "string" || from === undefined || to === undefined) return undefined
  return { serial, notBefore: from, notAfter: to }
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}

function isRecord(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
