import { allOf, parseQuery, type Query, queryLimits, receivedBetween } from "@postern/log/query"
import { z } from "zod"
import type { ReaderGrant } from "../../access/index.ts"
import { joined } from "./joined.ts"
import { invalid, time } from "./parameters.ts"

/** What is wrong with its text parseQuery says, and where. */
export const queryText = z
  .string()
  .optional()
  .meta({
    description: `A query (docs/spec/query.md), at most ${queryLimits.lengthMax} characters`,
    example: "outcome:denied AND actor:user/*",
  })

export const queryShape = { q: queryText } as const

export const timeShape = {
  since: time.optional().meta({ description: "Received at this time or later" }),
  until: time.optional().meta({ description: "Received before this time" }),
} as const

type Asked = Partial<z.output<z.ZodObject<typeof queryShape & typeof timeShape>>>

/**
 * The question that is answered: what was asked, and what the grant says besides.
 * @throws PosternError QUERY_INVALID, REQUEST_INVALID
 */
export function queryOf({ q = "", since, until }: Asked, grant: ReaderGrant): Query {
  if (since !== undefined && until !== undefined && until <= since) {
    throw invalid("until", "is not after since")
  }
  return allOf([joined(grant, parseQuery(q)), receivedBetween({ from: since, until })])
}
