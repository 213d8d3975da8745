import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { parsePolicy, startingPolicy } from "../policy/rules/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"

let directory: string
let file: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-trial-"))
  file = join(directory, "policy.yaml")
  writeFileSync(file, policy)
})
afterAll(() => rmSync(directory, { recursive: true }))

const policy = `rules:
  - { name: beats, match: { class: system }, level: drop }
  - { name: pay, match: { source: app://pay, writer: "spiffe://a/*" }, level: request, sample: 0.125 }
  - { name: all, level: full }
`
const event = {
  ...{ id: "1", time: "2026-01-01T00:00:00Z", source: "app://pay", action: "invoice.created" },
  ...{
    outcome: "success",
    actor: { type: "user", id: "al\u0007ice" },
    targets: [],
    response: { a: 1 },
  },
}
const run = (args: readonly string[], input: unknown = "") =>
  runHere(["policy", ...args], typeof input === "string" ? input : JSON.stringify(input))
const explain = (input: unknown, ...args: string[]) =>
  run(["explain", "-", "--policy", file, ...args], input)

describe("postern policy check", () => {
  test("says what is in it, or which line is wrong", async () => {
    const good = await run(["check", file])
    expect([good.status, good.stdout]).toEqual([
      0,
      `${file}: 3 rules, no detectors; digest ${parsePolicy(policy).digest}\n`,
    ])
    const bad = join(directory, "bad.yaml")
    writeFileSync(bad, startingPolicy().replace("level: metadata", "level: meta"))
    const { status, stderr } = await run(["check", bad])
    expect(status).toBe(exitCodes.configuration)
    expect(stderr).toMatch(/line 13: rules\[0\]\.level: must be one of full, request/)
    expect((await run(["check"])).status).toBe(exitCodes.usage)
    expect((await run(["check", join(directory, "none.yaml")])).status).toBe(
      exitCodes.configuration,
    )
  })
})

describe("postern policy test", () => {
  const cases = (...lines: string[]) =>
    writeFileSync(join(directory, "policy.cases.yaml"), `${lines.join("\n")}\n`)
  const one = (name: string, expected: string) =>
    `- { name: ${name}, writer: w, event: { source: app://a, action: app.ping, outcome: success }, expect: ${expected} }`

  test("ends with 0 if all cases hold", async () => {
    cases(one("beats go", "{ kept: false, rule: beats }"))
    const { status, stdout, stderr } = await run(["test", file])
    expect([status, stdout]).toEqual([0, "ok     beats go\n"])
    expect(stderr).toBe("postern: 1 of 1 cases are as expected\n")
  })

  test("ends with 1 and shows what is otherwise", async () => {
    cases(one("a", "{ kept: true }"), one("b", "{ kept: false }"))
    const { status, stdout } = await run(["test", file])
    expect(status).toBe(exitCodes.failed)
    expect(stdout).toBe("failed a\n         kept: expected true, is false\nok     b\n")
    const json = await run(["test", file, "--json"])
    expect(json.status).toBe(exitCodes.failed)
    expect(JSON.parse(json.stdout)).toMatchObject({ cases: 2, failed: 1 })
  })

  test("ends with 78 if there are no cases, or none that can be read", async () => {
    cases("- name: a")
    const { status, stderr } = await run(["test", file])
    expect([status, stderr]).toEqual([78, expect.stringContaining("policy.cases.yaml line 1")])
    rmSync(join(directory, "policy.cases.yaml"))
    expect((await run(["test", file])).status).toBe(78)
  })
})

describe("postern policy explain", () => {
  test("says why, and what is kept, harmless for a terminal", async () => {
    const { status, stdout } = await explain(event, "--writer", "spiffe://a/writer/app")
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^rule +pay, 2 of 3\nclass +change\nlevel +request\nsample +kept with a chance of 12\.5 %\nnot beats +class is change, not system\ndone +cut \/response\n\nOf it is kept:\n{\n/,
    )
    expect(stdout).toContain('"id": "al\\u0007ice"')
    expect(stdout).not.toContain('"response"')
  })

  test("takes an entry as show prints it, with its writer, and forgets what a policy said of it before", async () => {
    const mark = { digest: "0000", did: ["cut /data"] }
    const bytes = JSON.stringify({ _policy: mark, ...event })
    const entry = { writer: "spiffe://a/writer/app", event: {}, leaf: `{"r":1}\n${bytes}` }
    const { stdout } = await explain(entry, "--json")
    const { digest } = parsePolicy(policy)
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ policy: digest, rule: "pay", class: "change", level: "request", sample: 0.125 },
      ...{ passed: [{ rule: "beats" }], did: ["cut /response"], detected: [] },
      event: { _policy: { digest: digest.slice(0, 16), rule: "pay" }, id: "1" },
    })
    const other = await explain(entry, "--writer", "spiffe://b/writer/app")
    expect(other.stdout).toContain("not pay    writer is spiffe://b/writer/app, not spiffe://a/*")
    expect(other.stdout).toContain("It is kept as it came:")
  })

  test("says where what was hidden still stands", async () => {
    const hiding = join(directory, "hiding.yaml")
    const transforms = "transforms: [{ at: /actor/id, do: hmac }]"
    writeFileSync(hiding, `rules: [{ name: all, level: full, ${transforms} }]\n`)
    const made = { ...event, data: { vault: { auth: { entity_id: event.actor.id } } } }
    const { stdout } = await run(["explain", "-", "--policy", hiding], made)
    expect(stdout).toContain(
      "done          hmac /actor/id\nstill stands  what was in /actor/id also stands in /data/vault/auth/entity_id\n",
    )
    const json = await run(["explain", "-", "--policy", hiding, "--json"], made)
    expect(JSON.parse(json.stdout).leftOver).toEqual([
      { hidden: "/actor/id", stands: "/data/vault/auth/entity_id" },
    ])
  })

  test("says what is not kept, and what is never dropped", async () => {
    const ping = { source: "app://x", action: "app.ping", outcome: "success" }
    expect((await explain(ping)).stdout).toContain("Nothing of it is kept")
    const denied = await explain({ ...ping, outcome: "denied" })
    expect(denied.stdout).toContain("denial, mandatory: never dropped")
  })

  test.each([["nonsense"], ["[]"], ["{}"], ['{"event":{}}'], ['{"action":"a"}']])(
    "refuses what is no event: %s",
    async (input) => {
      const { status, stderr } = await explain(input)
      expect([status, stderr]).toEqual([1, expect.stringMatching(/\(EVENT_/)])
    },
  )
})
