import { type Filter, parseFilter } from "@postern/log/query"
import type { z } from "zod"
import { invalid, text, time } from "./parameters.ts"

/** The conditions of search and tail. All hold together; commas separate alternatives, * at the end of one is a prefix. */
export const conditionShape = {
  action: text.optional().meta({ example: "invoice.*" }),
  outcome: text.optional().meta({ example: "denied,failure" }),
  source: text.optional().meta({ example: "app://billing" }),
  actor: text.optional().meta({ description: "id or type/id" }),
  target: text.optional().meta({ description: "id, type or type/id" }),
  writer: text.optional().meta({ description: "SPIFFE ID" }),
  id: text.optional().meta({ description: "The event's own id" }),
  text: text.optional().meta({ description: "Bytes that stand in the event" }),
} as const

export const timeShape = {
  since: time.optional().meta({ description: "Received at this time or later" }),
  until: time.optional().meta({ description: "Received before this time" }),
} as const

const conditionNames = Object.keys(conditionShape) as (keyof typeof conditionShape)[]

type Conditions = z.output<z.ZodObject<typeof conditionShape>>
type Times = z.output<z.ZodObject<typeof timeShape>>

/** @throws PosternError REQUEST_INVALID */
export function filterOf(query: Conditions & Partial<Times>): Filter {
  const given: Record<string, string> = {}
  for (const name of conditionNames) {
    const value = query[name]
    if (value !== undefined) given[name] = value
  }
  const { since, until } = query
  if (since !== undefined && until !== undefined && until <= since) {
    throw invalid("until", "is not after since")
  }
  return { ...parseFilter(given), from: since, to: until }
}

/** The conditions as one text that is equal for equal questions. */
export function formatConditions(query: Conditions & Partial<Times>): string {
  return JSON.stringify([...conditionNames.map((name) => query[name]), query.since, query.until])
}
