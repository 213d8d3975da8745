import { isPosternError } from "@postern/log/base"
import fc from "fast-check"
import { type Named, type Policy, parsePolicy, type Seen, type TypedId } from "./index.ts"

/** Text of a policy with these rules, named r0, r1 … */
export function rulesText(...items: readonly string[]): string {
  return `rules:\n${items.map((item, at) => `  - { name: r${at}, ${item} }\n`).join("")}`
}

interface Said {
  readonly size?: number
  readonly category?: string
  readonly op?: string
  readonly severity?: string
  readonly tenant?: string
  readonly actor?: TypedId
  readonly targets?: readonly TypedId[]
}

export function seenOf(said: Said): Seen {
  return {
    size: said.size ?? 100,
    text: (member) => said[member],
    actor: () => said.actor,
    targets: () => said.targets ?? [],
  }
}

const choose = fc.constantFrom
const few = fc.constantFrom("a", "ab", "b")
const patterns = fc.constantFrom("a", "ab", "b", "a*", "b*", "*")
const actions = ["order.get", "order.put", "order.create", "user.login", "job.ping", "key.get"]
const actionPatterns = [...actions, "order.*", "user.*", "job.*", "*"] as const
const ids = fc.record({ type: choose("user", "pod"), id: few })
const idPatterns = fc.tuple(choose("user", "pod", "*"), patterns).map((pair) => pair.join(":"))

const lists = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 2 })

const conditions = fc.record(
  {
    adapter: lists(choose("postern", "http", "kubernetes")),
    class: lists(choose("read", "change", "system", "unknown", "key", "denial")),
    outcome: lists(choose("success", "denied")),
    writer: lists(patterns),
    source: lists(patterns),
    action: lists(choose(...actionPatterns)),
    tenant: lists(patterns),
    actor: lists(idPatterns),
    target: lists(idPatterns),
    size: choose({ min: 50 }, { max: 50 }, { min: 20, max: 60 }),
  },
  { requiredKeys: [] },
)

/** Few conditions a rule, so that many events come to it. */
const fewConditions = fc
  .tuple(
    conditions,
    fc.array(
      choose(
        "adapter",
        "class",
        "outcome",
        "writer",
        "source",
        "action",
        "tenant",
        "actor",
        "target",
        "size",
      ),
      { maxLength: 2 },
    ),
  )
  .map(([all, keys]) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key as never))),
  )

const transforms = fc.uniqueArray(
  fc.record({
    at: choose("/data/x", "/data/y", "/actor/id"),
    do: choose("keep", "redact", "hmac", "personal"),
  }),
  { maxLength: 2, selector: ({ at }) => at },
)

export const ruleForms = fc.record(
  {
    name: choose("p", "q", "r", "s", "t"),
    match: fewConditions,
    level: choose("full", "request", "metadata", "drop"),
    sample: choose(0.1, 0.5),
    deduplicate: choose(5, 60),
    transforms,
  },
  { requiredKeys: ["name", "level"] },
)

/** Policies that parsePolicy() takes: JSON is YAML. */
export function policies(): fc.Arbitrary<Policy> {
  return fc
    .record({
      rules: fc.uniqueArray(ruleForms, {
        minLength: 1,
        maxLength: 4,
        selector: ({ name }) => name,
      }),
      classes: choose({}, { read: ["order.put"] }, { change: ["job.*"] }),
    })
    .map((form) => parsed(form))
    .filter((policy) => policy !== undefined)
}

function parsed(form: object): Policy | undefined {
  try {
    return parsePolicy(JSON.stringify(form))
  } catch (error) {
    // Many are senseless, and refused for that.
    if (isPosternError(error)) return undefined
    throw error
  }
}

export interface AnEvent {
  readonly named: Named
  readonly seen: Seen
}

export const events: fc.Arbitrary<AnEvent> = fc
  .record({
    named: fc.record({
      writer: few,
      adapter: choose("postern", "http", "kubernetes"),
      source: few,
      action: choose(...actions),
      outcome: choose("success", "failure", "denied"),
    }),
    said: fc.record(
      {
        size: choose(10, 50, 90),
        tenant: few,
        actor: ids,
        targets: fc.array(ids, { maxLength: 2 }),
      },
      { requiredKeys: ["size"] },
    ),
  })
  .map(({ named, said }) => ({ named, seen: seenOf(said) }))
