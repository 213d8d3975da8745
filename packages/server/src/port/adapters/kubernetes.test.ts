import { encodeUtf8, formatHex, sha256 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type AuditEvent, base, list, plainReading } from "./audit-event.test.support.ts"
import { kubernetesAdapter } from "./index.ts"
import { convert, nextRegion, openBody, source } from "./workbench.test.support.ts"

/** The one entry of a list of one event, which must be accepted. */
function wrap(event: AuditEvent): Record<string, unknown> {
  const text = JSON.stringify(event)
  const [written, ...none] = convert(kubernetesAdapter, list(text))
  expect(none).toEqual([])
  expect(written?.code, written?.text).toBeUndefined()
  expect(written?.changed).toBe(2)
  expect(written?.text.endsWith(`,"data":{"kubernetes":${text}}}`)).toBe(true)
  return JSON.parse(written?.text ?? "")
}

describe("an audit event", () => {
  it("is wrapped in an envelope made of its own fields", () => {
    expect(wrap(base)).toEqual({
      id: "d4652481-193e-42f6-9b78-f8651cab5dfe/ResponseComplete",
      time: "2026-11-22T12:00:00.234567Z",
      source,
      action: "k8s.pods.exec.create",
      outcome: "success",
      actor: { type: "user", id: "alice@example.com" },
      targets: [{ type: "pods", id: "pay/ledger-0", subresource: "exec" }],
      origin: { ip: "10.0.0.7", userAgent: base.userAgent },
      data: { kubernetes: base },
    })
  })

  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(base).filter(([name]) => !names.includes(name)))

  it.each<[string, AuditEvent, Record<string, unknown>]>([
    [
      "nothing of an object",
      without("objectRef"),
      {
        action: "k8s.nonresource.create",
        targets: [{ type: "path", id: base.requestURI }],
      },
    ],
    ["nothing of a path either", without("objectRef", "requestURI"), { targets: [] }],
    [
      "a cluster's object",
      { ...base, objectRef: { resource: "nodes", name: "n1", apiGroup: "x.io" } },
      {
        action: "k8s.nodes.create",
        targets: [{ type: "nodes", id: "n1", apiGroup: "x.io" }],
      },
    ],
    [
      "all objects of a namespace",
      { ...base, verb: "list", objectRef: { resource: "pods", namespace: "pay" } },
      {
        action: "k8s.pods.list",
        targets: [{ type: "pods", id: "pay/*" }],
      },
    ],
    [
      "all objects",
      { ...base, objectRef: { resource: "pods" } },
      { targets: [{ type: "pods", id: "*" }] },
    ],
    [
      "a service account",
      { ...base, user: { username: "system:serviceaccount:pay:app" } },
      {
        actor: { type: "service", id: "system:serviceaccount:pay:app" },
      },
    ],
    [
      "a part of the system",
      { ...base, user: { username: "system:node:n1" } },
      {
        actor: { type: "system", id: "system:node:n1" },
      },
    ],
    [
      "somebody unknown",
      { ...base, user: {}, responseStatus: { code: 401 } },
      {
        actor: { type: "unknown", id: "" },
        outcome: "denied",
      },
    ],
    ["nobody", without("user"), { actor: { type: "unknown", id: "" } }],
    [
      "somebody for somebody",
      { ...base, impersonatedUser: { username: "system:admin", groups: [] } },
      {
        actor: { type: "user", id: "alice@example.com" },
        onBehalfOf: [{ type: "system", id: "system:admin" }],
      },
    ],
    [
      "several addresses",
      { ...base, sourceIPs: ["1.2.3.4", "5.6.7.8", "10.0.0.1"] },
      {
        origin: { ip: "1.2.3.4", peer: "10.0.0.1", userAgent: base.userAgent },
      },
    ],
    ["no address", { ...base, sourceIPs: [] }, { origin: { userAgent: base.userAgent } }],
    ["no agent", without("userAgent"), { origin: { ip: "10.0.0.7" } }],
    ["no origin", without("userAgent", "sourceIPs"), { origin: undefined }],
    ["no time of its stage", without("stageTimestamp"), { time: base.requestReceivedTimestamp }],
    ["no verb", { ...base, verb: "" }, { action: "k8s.pods.exec.unknown" }],
    [
      "null for everything that may be",
      {
        ...base,
        user: null,
        impersonatedUser: null,
        sourceIPs: null,
        userAgent: null,
        objectRef: null,
        responseStatus: null,
        annotations: null,
        requestURI: null,
        verb: null,
      },
      { action: "k8s.nonresource.unknown", outcome: "unknown", targets: [], origin: undefined },
    ],
  ])("may name %s", (_name, event, expected) => {
    const entry = wrap(event)
    for (const [name, value] of Object.entries(expected)) expect(entry[name]).toEqual(value)
  })

  it("has the outcome that its response says", () => {
    const outcomes: [unknown, string][] = [
      [undefined, "unknown"],
      [{}, "unknown"],
      [{ code: 0 }, "unknown"],
      [{ code: 99 }, "unknown"],
      [{ code: 101 }, "success"],
      [{ code: 200 }, "success"],
      [{ code: 304 }, "success"],
      [{ code: 400 }, "failure"],
      [{ code: 401 }, "denied"],
      [{ code: 403 }, "denied"],
      [{ code: 404 }, "failure"],
      [{ code: 409 }, "failure"],
      [{ code: 500 }, "error"],
      [{ code: 599 }, "error"],
      [{ code: 600 }, "unknown"],
      [{ code: 20_000 }, "unknown"],
      [{ code: "200" }, "unknown"],
      [{ code: null }, "unknown"],
      [{ code: -10 }, "unknown"],
      [{ code: 1e3 }, "unknown"],
    ]
    for (const [responseStatus, outcome] of outcomes) {
      expect(wrap({ ...base, responseStatus }).outcome, JSON.stringify(responseStatus)).toBe(
        outcome,
      )
    }
    const annotations = { x: "y", "authorization.k8s.io/decision": "forbid" }
    expect(wrap({ ...base, annotations }).outcome).toBe("denied")
    expect(wrap({ ...base, annotations, responseStatus: undefined }).outcome).toBe("denied")
  })
})

describe("what a requester chooses never gets the event refused", () => {
  it("as its audit id", () => {
    for (const auditID of ['"', "a\\b", "\u0001", "x".repeat(200), "é\n", "<script>\u2028"]) {
      const raw = JSON.stringify(auditID)
      const { id } = wrap({ ...base, auditID })
      const plain = !raw.includes("\\") && auditID.length < 100
      const digest = `sha256:${formatHex(sha256(encodeUtf8(raw)))}`
      expect(id).toBe(`${plain ? auditID : digest}/ResponseComplete`)
      expect(wrap({ ...base, auditID }).id).toBe(id)
    }
    const edge = 128 - "/ResponseComplete".length
    expect(wrap({ ...base, auditID: "x".repeat(edge) }).id).toBe(
      `${"x".repeat(edge)}/ResponseComplete`,
    )
    expect(wrap({ ...base, auditID: "x".repeat(edge + 1) }).id).toMatch(/^sha256:/)
  })

  it("as the resource, the verb or a name", () => {
    const objectRef = {
      resource: 'Pö"d s',
      subresource: "Ex\\ec\u0007",
      namespace: '"',
      name: "\\\u2028",
    }
    expect(wrap({ ...base, verb: "GET\u001b", objectRef })).toMatchObject({
      action: "k8s.p____d_s.ex__ec_u0007.get_u001b",
      targets: [{ type: objectRef.resource, id: '"/\\\u2028', subresource: objectRef.subresource }],
    })
    const long = "a".repeat(300)
    const action = wrap({
      ...base,
      verb: long,
      objectRef: { resource: long, subresource: long },
    }).action
    expect(action).toBe(`k8s.${"a".repeat(63)}.${"a".repeat(31)}.${"a".repeat(24)}`)
  })

  it("as long texts, which are clipped in the envelope between two characters", () => {
    const characters = ["a", "é", "\u2028", "😀", "\\", '"', "\n", "\u0001"]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters), { maxLength: 300 }), (parts) => {
        const text = `start${parts.join("")}${"😀".repeat(200)}`
        // Surrogates as two escapes, the way some encoders write them.
        const raw = JSON.stringify({
          ...base,
          userAgent: text,
          user: { username: text },
        }).replaceAll("😀", "\\ud83d\\ude00")
        const [written] = convert(kubernetesAdapter, list(raw))
        expect(written?.code).toBeUndefined()
        const entry = JSON.parse(written?.text ?? "")
        const { userAgent } = entry.origin
        expect(text.startsWith(userAgent)).toBe(true)
        expect(userAgent.isWellFormed()).toBe(true)
        expect(entry.actor.id).toBe(userAgent)
        const inEnvelope = written?.text.indexOf('"data":') ?? 0
        expect(inEnvelope).toBeLessThan(2000)
        expect(userAgent.length).toBeGreaterThan(40)
      }),
      { numRuns: 100 },
    )
  })

  it("as everything at once, which takes the room that was measured for it", () => {
    const long = `é"${"x".repeat(3000)}`
    const objectRef = {
      resource: long,
      namespace: long,
      name: long,
      apiGroup: long,
      subresource: long,
    }
    const impersonatedUser = { username: long }
    const sourceIPs = [long, long]
    const event = { ...base, auditID: long, verb: long, user: impersonatedUser, impersonatedUser }
    const body = list(JSON.stringify({ ...event, objectRef, sourceIPs, userAgent: long }))
    const [whole] = convert(kubernetesAdapter, body)
    expect(whole?.code).toBeUndefined()
    const bytes = 4 + encodeUtf8(whole?.text ?? "").length
    for (let room = bytes - 1; room < bytes + 2000; room += room < bytes + 3 ? 1 : 100) {
      const next = nextRegion(openBody(kubernetesAdapter, body), room)
      expect(next?.events).toEqual(room < bytes ? [] : [whole])
      expect(next?.touched).toBe(false)
    }
  })

  it("as forwarded addresses", () => {
    const sourceIPs = [
      ...Array.from({ length: 3000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`),
      "192.0.2.1",
    ]
    expect(wrap({ ...base, sourceIPs }).origin).toMatchObject({
      ip: "10.0.0.0",
      peer: "192.0.2.1",
    })
  })
})

it("a time that is none is refused by the scanner", () => {
  const event = { ...base, stageTimestamp: `x${base.stageTimestamp}` }
  const [written] = convert(kubernetesAdapter, list(JSON.stringify(event)))
  expect(written?.code).toBe("EVENT_FIELD_VALUE")
})

describe("an item that no API server writes is refused by itself", () => {
  const text = JSON.stringify(base)
  const swap = (from: string, to: string) => {
    expect(text).toContain(from)
    return text.replace(from, to)
  }
  const rest = '"outcome":"success","actor":{},"targets":[]'
  const postern = `{"id":"x","time":"2026-01-01T00:00:00Z","source":"s","action":"a",${rest}}`
  it.each(
    [
      "1",
      "null",
      '"x"',
      "[]",
      "{}",
      "tru",
      postern,
      swap('"stage":', '"stag":'),
      swap('"auditID":', '"x":'),
      swap('"ResponseComplete"', "5"),
      swap('"ResponseComplete"', '""'),
      swap('"ResponseComplete"', '"a\\nb"'),
      swap('"ResponseComplete"', `"${"x".repeat(50)}"`),
      swap('"2026-11-22T12:00:00.234567Z"', "12"),
      swap('"2026-11-22T12:00:00.234567Z"', `"${"1".repeat(9000)}"`),
      swap('"verb":"create"', '"verb":1'),
      swap('"user":{', '"user":[{').replace("]},", "]}],"),
      swap('"username":"alice@example.com"', '"username":{}'),
      swap('"10.0.0.7"', "7"),
      swap('["10.0.0.7"]', '"10.0.0.7"'),
      swap('["10.0.0.7"]', '["a",1]'),
      swap('"verb":', '"stage":"Panic","verb":'),
      swap('"verb":"create"', '"ver\\u0062":"delete"'),
      swap('"uid":', '"username":"bob","uid":'),
      swap('"uid":', '"usern\\u0061me":"bob","uid":'),
      swap('"metadata":{}', `"metadata":${'{"a":'.repeat(40)}1${"}".repeat(40)}`),
      swap("alice", "\udcff"),
      `${text} x`,
      `${text}${text}`,
    ].filter((item) => item !== text),
  )("%j", (item) => {
    const bytes = Buffer.from(list(text, item, text), item.includes("\udcff") ? "latin1" : "utf8")
    const written = convert(kubernetesAdapter, bytes)
    expect(written.map(({ code }) => code !== undefined)).toEqual([false, true, false])
    expect(written[1]?.text).toBe(`{"data":${item.replace("\udcff", "\xff")}}`)
  })
})

it("any event comes out as a plain reading of it says", () => {
  const word = fc.oneof(
    fc.constantFrom("", "system:x", "pods", "Get", "forbid", "a/b"),
    fc.string({ maxLength: 20 }),
  )
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const user = fc.record({ username: maybe(word), extra: maybe(fc.jsonValue()) })
  const event = fc.record({
    level: word,
    auditID: fc.uuid(),
    requestObject: maybe(fc.jsonValue({ maxDepth: 4 })),
    stage: fc.constantFrom("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"),
    stageTimestamp: fc.constant("2026-11-22T12:00:00.234567Z"),
    user: maybe(user),
    verb: maybe(word),
    impersonatedUser: maybe(user),
    requestURI: maybe(word),
    objectRef: maybe(
      fc.record({
        resource: word,
        name: maybe(word),
        namespace: maybe(word),
        subresource: maybe(word),
        apiGroup: maybe(word),
      }),
    ),
    sourceIPs: maybe(fc.array(fc.ipV4(), { maxLength: 3 })),
    userAgent: maybe(word),
    responseStatus: maybe(fc.record({ code: fc.integer({ min: 0, max: 700 }), reason: word })),
  })
  fc.assert(
    fc.property(event, (given) => {
      expect(wrap(given)).toEqual(plainReading(JSON.parse(JSON.stringify(given))))
    }),
    { numRuns: 400 },
  )
})
