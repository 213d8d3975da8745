import type { Profile } from "@postern/client"
import { errorRegistry, PosternError } from "@postern/log/base"
import { z } from "zod"
import { type HttpsExchange, openHttpsExchange, parseJson, problemOf } from "./https-exchange.ts"
import type { InputLine } from "./input-lines.ts"
import type { SendTally } from "./send-tally.ts"

const eventsMax = 400
/** Of a body; the port takes 8 MiB. */
const bodyBytesMax = 6 * 1024 * 1024
const answerBytesMax = 16 * 1024 * 1024
const path = "/v1/kubernetes/audit"
const busyTriesMax = 20
const busyPauseMs = 500

const refusal = z.object({
  position: z.number().int().min(0),
  code: z.string(),
  message: z.string().optional(),
  hint: z.string().optional(),
})
const success = z.object({
  accepted: z.number().int().min(0),
  refused: z.array(refusal),
  duplicates: z.array(z.unknown()),
  notKept: z.array(z.unknown()),
})
const nothing = { accepted: 0, duplicates: [], notKept: [] }
const nothingTaken = z.object({ refused: z.array(refusal) })

/**
 * Sends audit.k8s.io/v1 events, one a line, as an API server's webhook does: in EventLists of at most 400, each line
 * byte for byte. A list that was not answered may be sent again: the port recognises what it has. Errors: whatever keeps
 * the port from answering, or has it refuse a body as a whole.
 */
export async function sendKubernetes(
  profile: Profile,
  lines: AsyncIterable<InputLine>,
  tally: SendTally,
): Promise<void> {
  const exchange = openHttpsExchange(profile)
  try {
    let list: InputLine[] = []
    let bytes = 0
    for await (const line of lines) {
      if (!isObject(parseJson(line.text))) {
        tally.refuseWith(line.number, new PosternError("EVENT_SYNTAX"))
        continue
      }
      if (list.length === eventsMax || bytes + line.text.length > bodyBytesMax) {
        await sendList(exchange, list, tally)
        list = []
        bytes = 0
      }
      list.push(line)
      bytes += Buffer.byteLength(line.text) + 1
    }
    if (list.length > 0) await sendList(exchange, list, tally)
  } finally {
    exchange.close()
  }
}

async function sendList(
  exchange: HttpsExchange,
  list: readonly InputLine[],
  tally: SendTally,
): Promise<void> {
  const items = list.map(({ text }) => text).join(",")
  const text = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items}]}`
  const question = {
    method: "POST",
    path,
    type: "application/json",
    body: Buffer.from(text),
  } as const
  for (let tries = 1; ; tries++) {
    const answer = await exchange.ask({ ...question, bytesMax: answerBytesMax })
    const body = parseJson(answer.body.toString("utf8"))
    if (answer.status === 200) return count(success.parse(body), list, tally)
    const taken = nothingTaken.safeParse(body)
    if (taken.success) {
      return count({ ...nothing, refused: taken.data.refused }, list, tally)
    }
    const problem = problemOf(answer)
    if (problem.kind !== "busy" || tries === busyTriesMax) throw problem
    await new Promise((resolve) => setTimeout(resolve, busyPauseMs))
  }
}

function count(
  { accepted, refused, duplicates, notKept }: z.infer<typeof success>,
  list: readonly InputLine[],
  tally: SendTally,
): void {
  if (accepted + refused.length + duplicates.length + notKept.length !== list.length) {
    throw new PosternError("UNREACHABLE", "the port's answer does not add up")
  }
  tally.accepted += accepted
  tally.duplicates += duplicates.length
  tally.notKept += notKept.length
  for (const { position, code, message, hint } of refused) {
    const line = list[position]?.number ?? 0
    const known = Object.hasOwn(errorRegistry, code)
      ? errorRegistry[code as keyof typeof errorRegistry]
      : { message: code, hint: "" }
    tally.refuse({ line, code, message: message ?? known.message, hint: hint ?? known.hint })
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
