import { encodeUtf8, formatHex, isPosternError, PosternError, sha256 } from "@postern/log/base"
import { parseQuery, type Query } from "@postern/log/query"
import { readDocument } from "../config/index.ts"
import type { Hours } from "./hours.ts"
import {
  type AlertWatch,
  type Per,
  type ReadyMade,
  readyMade,
  type Severity,
  type Shape,
} from "./ready-made.ts"
import {
  type AlertForm,
  alertsForm,
  bounds,
  type QuestionForm,
  type WebhookForm,
} from "./rules-form.ts"

/** A question with a name, for whoever searches. */
export interface Question {
  readonly name: string
  readonly query: string
  readonly description: string
}

export interface Alert {
  readonly name: string
  readonly description: string
  /** The ready-made one that it is; undefined for one of its own query. */
  readonly watch: AlertWatch | undefined
  /** As text, and as it is held against entries. */
  readonly queryText: string
  readonly query: Query
  readonly until: Query | undefined
  readonly shape: Shape
  readonly novelty: "writer" | "address" | undefined
  readonly weighs: boolean
  readonly by: Per | undefined
  readonly count: number
  readonly withinMs: number
  readonly severity: Severity
  /** Between two notifications, in milliseconds. */
  readonly holdDownMs: number
  /** Below the threshold for so long: cleared. In milliseconds. */
  readonly clearAfterMs: number
  readonly hours: Hours | undefined
  /** Whether it counts what alerts wrote. */
  readonly ownEntries: boolean
  /** Names of webhooks. */
  readonly to: readonly string[]
  /** Changes whenever anything does on which its state depends. */
  readonly definition: string
}

export type Webhook = WebhookForm

/** One version of alerts.yaml. */
export interface AlertRules {
  /** SHA-256 of the text, lower-case hex. */
  readonly digest: string
  readonly questions: readonly Question[]
  readonly alerts: readonly Alert[]
  readonly webhooks: readonly Webhook[]
}

const own = { count: 1, withinMs: 300_000, holdDownMs: 900_000 } as const

type At = readonly PropertyKey[]
type Refuse = (at: At, message: string) => PosternError

/** Text of alerts.yaml to rules; what is not understood is refused as a whole. Errors: ALERTS_INVALID, `line N: field: what is wrong`. */
export function parseAlerts(text: string): AlertRules {
  const kind = { code: "ALERTS_INVALID", textMax: bounds.text } as const
  const { value, lineOf } = readDocument(text, alertsForm, kind)
  const refuse: Refuse = (at, message) =>
    new PosternError("ALERTS_INVALID", `line ${lineOf(at)}: ${pathText(at)}: ${message}`)
  const { questions, alerts, webhooks } = value
  for (const [list, entries] of Object.entries(value)) refuseTwins(list, entries, refuse)
  for (const [index, one] of questions.entries())
    compile(one.query, ["questions", index, "query"], refuse)
  const known = new Set(webhooks.map(({ name }) => name))
  return {
    digest: formatHex(sha256(encodeUtf8(text))),
    questions: questions.map(({ description = "", ...one }) => ({ ...one, description })),
    alerts: alerts.map((one, index) => {
      for (const [at, name] of (one.to ?? []).entries()) {
        if (!known.has(name))
          throw refuse(["alerts", index, "to", at], `there is no webhook ${name}`)
      }
      return makeAlert(one, questions, (member, message) =>
        refuse(["alerts", index, ...member], message),
      )
    }),
    webhooks,
  }
}

function pathText(at: At): string {
  return at
    .map((key, depth) =>
      typeof key === "number" ? `[${key}]` : depth > 0 ? `.${String(key)}` : String(key),
    )
    .join("")
}

function refuseTwins(
  list: string,
  entries: readonly { readonly name: string }[],
  refuse: Refuse,
): void {
  const seen = new Set<string>()
  for (const [index, { name }] of entries.entries()) {
    if (seen.has(name)) throw refuse([list, index, "name"], `${name} stands twice`)
    seen.add(name)
  }
}

function compile(text: string, at: At, refuse: Refuse): Query {
  try {
    return parseQuery(text)
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw refuse(at, error.detail ?? error.message)
  }
}

function makeAlert(form: AlertForm, questions: readonly QuestionForm[], refuse: Refuse): Alert {
  const sources = (["watch", "question", "query"] as const).filter((one) => form[one] !== undefined)
  if (sources.length !== 1) throw refuse([], "needs one of watch, question and query")
  const model =
    form.watch === undefined
      ? ownModel(form, questions, refuse)
      : watchModel(form, form.watch, refuse)
  const query = compile(model.query, [sources[0] as string], refuse)
  const withinMs = form.within ?? model.withinMs
  const alert = {
    name: form.name,
    description: form.description ?? model.description,
    watch: form.watch,
    queryText: model.query,
    query,
    until: model.until === undefined ? undefined : parseQuery(model.until),
    shape: model.shape,
    novelty: model.novelty,
    weighs: model.weighs === true,
    by: form.by ?? model.by,
    count: form.count ?? model.count,
    withinMs,
    severity: form.severity ?? model.severity,
    holdDownMs: form.holdDown ?? own.holdDownMs,
    clearAfterMs: form.clearAfter ?? withinMs,
    hours: form.hours,
    ownEntries: form.ownEntries === true,
    to: [...new Set(form.to)],
  }
  const { queryText, shape, novelty, by, count, clearAfterMs, hours, ownEntries } = alert
  const parts = [queryText, shape, novelty, by, count, withinMs, clearAfterMs, hours, ownEntries]
  return { ...alert, definition: JSON.stringify(parts) }
}

function ownModel(form: AlertForm, questions: readonly QuestionForm[], refuse: Refuse): ReadyMade {
  const asked = questions.find(({ name }) => name === form.question)
  if (form.question !== undefined && asked === undefined)
    throw refuse(["question"], `there is no question ${form.question}`)
  if (form.severity === undefined) throw refuse(["severity"], "is missing")
  if (form.hours !== undefined) throw refuse(["hours"], "is for watch: reads-out-of-hours only")
  const { count, withinMs } = own
  const query = asked?.query ?? form.query ?? ""
  const description = asked?.description ?? ""
  return { query, description, shape: "count", count, withinMs, severity: form.severity }
}

function watchModel(form: AlertForm, watch: AlertWatch, refuse: Refuse): ReadyMade {
  const model: ReadyMade = readyMade[watch]
  if (form.by !== undefined) throw refuse(["by"], `watch: ${watch} has its own`)
  if ((form.hours !== undefined) !== (model.shape === "outside-hours")) {
    const what =
      form.hours === undefined
        ? `watch: ${watch} needs hours`
        : "is for watch: reads-out-of-hours only"
    throw refuse(["hours"], what)
  }
  return model
}
