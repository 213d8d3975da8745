import { PosternError } from "@postern/log/base"
import { z } from "zod"

/** The kind of the ask by which another process has the courier test an alert (server/postbox): `{ alert: NAME }`. */
export const alertTestKind = "alert-test"

const answer = z.strictObject({
  results: z.array(
    z.strictObject({
      webhook: z.string(),
      /** HTTP status; absent if there was no answer. */
      status: z.int().optional(),
      /** The begin of the answer, or why there is none: text of the receiver, unchecked. */
      answer: z.string(),
    }),
  ),
})
/** What each webhook of the alert said. */
export type AlertTestAnswer = z.output<typeof answer>

/** Errors: UNANSWERED for anything else than the courier answers. */
export function parseAlertTestAnswer(body: unknown): AlertTestAnswer {
  const read = answer.safeParse(body)
  if (read.success) return read.data
  throw new PosternError("UNANSWERED", "the courier's answer is not understood")
}
