import { describe, expect, test } from "vitest"
import { parsePolicy, startingPolicy } from "../../policy/rules/index.ts"
import { openTrial, parseCases, runCase, startingCases } from "./index.ts"

const policy = `rules:
  - { name: reads, match: { class: read }, level: drop }
  - { name: some, match: { action: page.* }, level: full, sample: 0.001 }
  - { name: pay, match: { source: app://pay, tenant: acme }, level: request, transforms: [{ at: /data/iban, do: hmac }, { at: /data/name, do: personal }] }
  - { name: all, level: full }
`
const trial = openTrial(parsePolicy(policy))
const event =
  "source: app://pay, action: invoice.created, outcome: success, actor: { type: user, id: alice }, targets: [], tenant: acme, response: {}, data: { iban: DE1, name: Bo, n: 1 }"

function wrongOf(expected: string, told = event): readonly string[] {
  const text = `- { name: a, writer: w, event: { ${told} }, expect: ${expected} }`
  const [one] = parseCases(text)
  if (one === undefined) throw new Error("a case is there")
  return runCase(trial, one).wrong
}

test("the cases of a new installation hold for its policy", () => {
  const made = openTrial(parsePolicy(startingPolicy()))
  const results = parseCases(startingCases("postern.local")).map((one) => runCase(made, one))
  expect(results).toHaveLength(2)
  expect(results.flatMap(({ wrong }) => wrong)).toEqual([])
})

describe("a case", () => {
  const did = "[hmac /data/iban, cut /response, personal /data/name]"
  test.each([
    "{ kept: true }",
    `{ kept: true, rule: pay, level: request, did: ${did} }`,
    '{ kept: true, event: { /data/iban: "h1:*", /data/n: 1, /tenant: acme, /actor: { type: user, id: alice } } }',
    "{ kept: true, event: { /_policy/rule: pay } }",
  ])("holds: %s", (expected) => {
    expect(wrongOf(expected)).toEqual([])
  })

  test.each([
    ["{ kept: false }", ["kept: expected false, is true"]],
    ["{ kept: true, level: full }", ['level: expected "full", is "request"']],
    [
      "{ kept: true, rule: some }",
      [
        'rule: expected "some", is "pay"',
        "  some wants action page.*, the event says invoice.created",
      ],
    ],
    [
      "{ kept: true, rule: none }",
      ['rule: expected "none", is "pay"', "  none was not asked: it stands behind, or nowhere"],
    ],
    [
      "{ kept: true, did: [cut /response] }",
      [
        'did: expected ["cut /response"], is ["cut /response","hmac /data/iban","personal /data/name"]',
      ],
    ],
    [
      '{ kept: true, event: { /data/iban: "t1:*", /data/m: 2, /data/n: "1", /response: {} } }',
      [
        expect.stringMatching(/^\/data\/iban: expected "t1:\*", is "h1:00000000:/),
        "/data/m: expected 2, is nothing",
        '/data/n: expected "1", is 1',
        "/response: expected {}, is nothing",
      ],
    ],
  ])("fails and says why: %s", (expected, wrong) => {
    expect(wrongOf(expected)).toEqual(wrong)
  })

  test("may expect that nothing is kept; a sample is not drawn", () => {
    const read = event.replace("invoice.created", "invoice.view").replace("app://pay", "app://x")
    expect(wrongOf("{ kept: false, rule: reads, level: drop }", read)).toEqual([])
    expect(wrongOf("{ kept: true, event: { /data/n: 1 } }", read)).toEqual([
      "kept: expected true, is false",
    ])
    const page = event.replace("invoice.created", "page.updated")
    expect(wrongOf("{ kept: true, rule: some }", page)).toEqual([])
  })

  test("fails if its event is none", () => {
    expect(wrongOf("{ kept: true }", "source: a, action: b")).toEqual([
      "event: a required field is missing: outcome",
    ])
  })
})

describe("policy.cases.yaml", () => {
  const one = "name: a, writer: w, event: {}"
  test.each([
    ["", /policy.cases.yaml line 1/],
    ["[]", /line 1: .*at least one/],
    [`- { ${one} }`, /line 1: \[0\]\.expect: is missing/],
    [`- { ${one}, expect: {} }`, /expect.kept/],
    [`- { ${one}, expect: { kept: yes } }`, /expect.kept/],
    [`- { ${one}, expect: { kept: true, rules: x } }`, /rules/],
    [`- { ${one}, adapter: smtp, expect: { kept: true } }`, /adapter/],
    [`- { ${one}, expect: { kept: true, event: { data: 1 } } }`, /event/],
    [`- { ${one}, expect: { kept: false, event: { /data: 1 } } }`, /nothing is left/],
  ])("is refused: %s", (text, why) => {
    expect(() => parseCases(text)).toThrowError(
      expect.objectContaining({ code: "POLICY_INVALID", message: expect.stringMatching(why) }),
    )
  })
})
