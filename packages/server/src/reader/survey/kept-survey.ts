import { type Survey, startSurvey, type WriterSurvey } from "./survey.ts"

const version = "survey@v1"

/**
 * A survey as text for the next start, tied to the tree that it was made from.
 * @param root of the tree of `survey.position` entries, as text
 */
export function formatSurvey(survey: Survey, origin: string, root: string): string {
  const { streams, writers, others, refusals, ...rest } = survey
  const maps = { streams, writers, others, refusals }
  const lists = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, [...map]]))
  return `${JSON.stringify({ postern: version, origin, root, ...rest, ...lists })}\n`
}

/** What a text says that formatSurvey() made for this origin, with the root to be compared; undefined for any other text. */
export function parseSurvey(
  text: string,
  origin: string,
): { readonly survey: Survey; readonly root: string } | undefined {
  const kept = parseObject(text)
  if (kept?.postern !== version || kept.origin !== origin) return undefined
  const { root, position, streams, writers, others, refusals } = kept
  if (typeof root !== "string" || !Number.isSafeInteger(position)) return undefined
  if (![streams, writers, others, refusals].every(Array.isArray)) return undefined
  const { bytes, bytesInAll, newest, doctor } = kept as unknown as Survey
  const survey: Survey = {
    ...startSurvey(),
    ...{ position: position as number, bytes, bytesInAll, newest, doctor },
    streams: new Map(streams as [number, never][]),
    writers: new Map((writers as [string, WriterSurvey][]).map(([id, one]) => [id, whole(one)])),
    others: new Map(others as [string, number][]),
    refusals: new Map(refusals as [string, never][]),
  }
  return { survey, root }
}

/** JSON leaves out what is undefined. */
function whole(writer: WriterSurvey): WriterSurvey {
  return { ...writer, lastSeen: writer.lastSeen, certificate: writer.certificate }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // A file that was cut off: the survey is made anew.
  }
}
