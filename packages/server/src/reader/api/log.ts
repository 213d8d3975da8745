import { isPosternError, PosternError, parseBase64 } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { z } from "zod"
import type { Desk } from "./desk.ts"
import { describeDisk } from "./disk.ts"
import { logSchema } from "./house-schema.ts"
import { defineRoute, jsonResponse, type Route } from "./route.ts"
import { readWitnesses } from "./witness-marks.ts"

/** The log as a thing: its tree, its keys over time, and where it lies. Nothing of its entries. */
export function logRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/log",
    pattern: "/v1/log",
    operation: "getLog",
    summary: "Size, checkpoint, keys over time, witnesses and storage",
    see: "monitor",
    query: z.strictObject({}),
    answer: { type: "application/json", schema: logSchema },
    handle: async () => jsonResponse(await describeLog(desk)),
  })
}

async function describeLog(desk: Desk) {
  const { view, house } = desk.world
  desk.counters.surveys++
  const { size, minimum } = view.head()
  const vkey = await house.vkey()
  const [{ segments }, newest, keys, witnesses, disk] = await Promise.all([
    house.storage(),
    desk.checkpoints.newest(),
    view.keys(),
    readWitnesses(desk),
    describeDisk(desk),
  ])
  return {
    ...(minimum === 0 ? {} : { minimum }),
    ...{ origin: view.origin, size, checkpoint: newest?.note ?? null, vkey: vkey ?? null },
    keys: keysOverTime(keys, vkey),
    witnesses,
    segments: segments.map(({ first, bytes }, i) => {
      const end = segments[i + 1]?.first ?? Math.max(first, size)
      return { first, entries: end - first, bytes }
    }),
    disk,
  }
}

interface KeyTime {
  readonly vkey: string
  /** Sizes of trees: from is the first that it signed, to the last. */
  readonly from: number
  to: number | null
}

const changeSchema = z.object({ key: z.object({ index: z.int().min(0), leaf: z.base64() }) })
const dataSchema = z.object({
  old: z.string().optional(),
  new: z.string().optional(),
  vkey: z.string().optional(),
  reason: z.string().optional(),
})

/** What the log itself says of its keys (docs/spec/keys.md); the proofs are checked by whoever believes it. */
function keysOverTime(text: string, vkey: string | undefined): KeyTime[] {
  const keys: KeyTime[] = []
  const retire = (name: string | undefined, at: number) => {
    const key = keys.find((one) => one.vkey === name)
    if (key !== undefined) key.to = Math.min(key.to ?? at, at)
  }
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const { index, action, data } = readChange(line)
    if (action === "postern.key.retired") retire(data.vkey, index)
    else if (data.old !== undefined && data.new !== undefined) {
      if (keys.length === 0) keys.push({ vkey: data.old, from: 0, to: null })
      if (data.reason === "compromised") retire(data.old, index)
      keys.push({ vkey: data.new, from: index + 1, to: null })
    }
  }
  if (keys.length === 0 && vkey !== undefined) keys.push({ vkey, from: 0, to: null })
  return keys
}

function readChange(line: string) {
  try {
    const { index, leaf } = changeSchema.parse(JSON.parse(line)).key
    const { event } = parseEntry(parseBase64(leaf) ?? new Uint8Array(0))
    return { index, action: event.action, data: dataSchema.parse(event.data) }
  } catch (cause) {
    if (isPosternError(cause)) throw cause
    throw new PosternError("LOG_DAMAGED", "a line of keys is no change of a key", { cause })
  }
}
