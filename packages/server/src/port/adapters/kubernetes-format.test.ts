import { encodeUtf8 } from "@postern/log/base"
import fc from "fast-check"
import { expect, it } from "vitest"
import { type ForeignEvent, formats, isUnreadable, writeEvent } from "../../formats/index.ts"
import { base, list } from "./audit-event.test.support.ts"
import { kubernetesAdapter } from "./index.ts"
import { convert, source } from "./workbench.test.support.ts"

/** As an API server writes JSON: Go escapes what could close a script in HTML. */
function goText(event: unknown): string {
  return JSON.stringify(event).replaceAll(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

/** The envelope as the adapter of the webhook makes it on bytes; undefined for an event that it refuses. */
function asAdapted(text: string): unknown {
  const [written] = convert(kubernetesAdapter, list(text))
  if (written?.code !== undefined) return undefined
  const { data, ...envelope } = JSON.parse(written?.text ?? "") as Record<string, unknown>
  expect(data).toHaveProperty("kubernetes")
  return envelope
}

/** The envelope as the format makes it of a line of a file; undefined for an event that it cannot read. */
function asFormatted(text: string): unknown {
  const given: ForeignEvent[] = []
  const decoder = formats.get("kubernetes")?.open({ nowMs: () => 0 })
  decoder?.take(encodeUtf8(text), (event) => given.push(event))
  const [event] = given as [ForeignEvent]
  if (isUnreadable(event)) return undefined
  const written = writeEvent(event, { id: "none", time: "none", source })
  const { data, trace, ...envelope } = JSON.parse(Buffer.from(written).toString("utf8"))
  expect(data.format).toBe("kubernetes")
  expect(trace.pairId).toBeTypeOf("string")
  return envelope
}

const odd = fc.constantFrom(
  ...[
    "",
    "x",
    "A.b/C",
    "<&>",
    "ü€😀",
    'q"\\',
    "\u2028\n\t\b\u0001",
    "é".repeat(300),
    "&".repeat(200),
  ],
  ...[
    "z".repeat(510),
    "z".repeat(511),
    "😀".repeat(200),
    "system:serviceaccount:a:b",
    "system:node:n",
  ],
)
const text = fc.oneof(odd, odd, fc.string({ maxLength: 30 }))
/** The last one is what the API server saw, an address: the adapter finds where it begins from its end. */
const address = text.filter((one) => !one.includes('"'))
const wrong = fc.constantFrom<unknown>(null, 7, true, [], {})
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.option(fc.oneof({ weight: 80, arbitrary: value }, { weight: 1, arbitrary: wrong }), {
    nil: undefined,
    freq: 6,
  })
const user = fc.record({ username: maybe(text), uid: maybe(text) })
const code = fc.constantFrom(
  0,
  7,
  99,
  100,
  101,
  200,
  302,
  399,
  400,
  401,
  403,
  404,
  499,
  500,
  599,
  600,
  999,
)
const event = fc.record({
  auditID: maybe(text),
  stage: maybe(
    fc.constantFrom("RequestReceived", "ResponseComplete", "Panic", "x".repeat(39), "a\\b"),
  ),
  verb: maybe(text),
  requestURI: maybe(text),
  user: maybe(user),
  impersonatedUser: maybe(user),
  sourceIPs: maybe(fc.array(address, { maxLength: 3 })),
  userAgent: maybe(text),
  objectRef: maybe(
    fc.record({
      resource: maybe(text),
      subresource: maybe(text),
      namespace: maybe(text),
      name: maybe(text),
      apiGroup: maybe(text),
    }),
  ),
  responseStatus: maybe(fc.record({ code })),
  annotations: maybe(
    fc.record({ "authorization.k8s.io/decision": fc.constantFrom("allow", "forbid", "") }),
  ),
})

it("the format for files and the adapter for the webhook make one envelope of any event", () => {
  let compared = 0
  fc.assert(
    fc.property(event, (changed) => {
      const whole = Object.fromEntries(
        Object.entries({ ...base, ...changed }).filter(([, value]) => value !== undefined),
      )
      const item = goText(whole)
      const adapted = asAdapted(item)
      expect(asFormatted(item)).toEqual(adapted)
      if (adapted !== undefined) compared += 1
    }),
    { numRuns: 1500 },
  )
  // Otherwise two readings that refuse everything would agree.
  expect(compared).toBeGreaterThan(400)
})
