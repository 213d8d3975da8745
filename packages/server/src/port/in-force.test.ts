import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type Config, dataDirectories } from "../config/index.ts"
import { keepEverything, type Policy, parsePolicy } from "../policy/rules/index.ts"
import { systemClock } from "./clock.ts"
import { InForce, readReviewed } from "./in-force.ts"
import type { OwnEntry } from "./own-stream.ts"

const id = "spiffe://in-force.test/operator/admin"
const policyText = (name: string) => `rules: [{ name: ${name}, level: full }]\n`
const digestOf = (text: string) => parsePolicy(text).digest
const gone = expect.objectContaining({
  code: "POLICY_INVALID",
  message: expect.stringContaining("policy.yaml is gone"),
})
const refusedAccess = expect.objectContaining({ code: "ACCESS_INVALID" })

let root: string
let config: Config
let policyFile: string
let used: Policy[]
let recorded: OwnEntry[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "postern-in-force-"))
  policyFile = join(root, "policy.yaml")
  const access = join(root, "access.yaml")
  const ca = join(root, "ca.pem")
  const some: Partial<Config> = { data: join(root, "data"), access, origin: "in-force.test" }
  config = { ...some, pki: { ca } } as Config
  mkdirSync(dataDirectories(config).portState, { recursive: true })
  writeFileSync(access, `identities: [{ id: "${id}", role: operator }]\n`)
  writeFileSync(ca, "")
  writeFileSync(policyFile, policyText("one"))
  used = []
  recorded = []
})
afterEach(() => rmSync(root, { recursive: true }))

function start(): InForce {
  const own = { record: (entry: OwnEntry) => void recorded.push(entry) }
  const policy = { use: (next: Policy) => void used.push(next) }
  const world = { clock: systemClock(), tell: () => undefined }
  return new InForce(config, readReviewed(config), { own, policy }, world)
}

const actions = () => recorded.map(({ action }) => action)

describe("a policy whose file vanishes", () => {
  test("stays in force, is missed, and is there again with the file", () => {
    const inForce = start()
    rmSync(policyFile)
    for (let times = 0; times < 2; times++) {
      expect(() => inForce.reload("signal")).toThrow(gone)
      expect(inForce.policy.policy.digest).toBe(digestOf(policyText("one")))
    }
    expect(inForce.policy.problem).toContain("policy.yaml is gone")
    expect(actions()).toContain("postern.policy.refused")
    expect(used).toHaveLength(1)
    writeFileSync(policyFile, policyText("one"))
    expect(inForce.reload("signal").policy).toBe(digestOf(policyText("one")))
    expect(inForce.policy.problem).toBeUndefined()
  })

  test("is not given up by a start either", () => {
    start()
    rmSync(policyFile)
    expect(() => start()).toThrow(gone)
    expect(used).toHaveLength(1)
  })

  test("is given up for an empty file, which may go then", () => {
    const inForce = start()
    writeFileSync(policyFile, "")
    expect(inForce.reload("signal").policy).toBe(keepEverything.digest)
    expect(used.at(-1)).toBe(keepEverything)
    rmSync(policyFile)
    expect(inForce.reload("signal").policy).toBe(keepEverything.digest)
    expect(start().policy.policy).toBe(keepEverything)
  })

  test("was never there: everything is kept, until there is one", () => {
    rmSync(policyFile)
    const inForce = start()
    expect(inForce.reload("signal").policy).toBe(keepEverything.digest)
    writeFileSync(policyFile, policyText("two"))
    expect(inForce.reload("signal").policy).toBe(digestOf(policyText("two")))
  })
})

describe("a reload", () => {
  test("of two faults throws the access list's, and says the policy's", () => {
    const inForce = start()
    writeFileSync(config.access, "identities: 5\n")
    writeFileSync(policyFile, "rules: 5\n")
    expect(() => inForce.reload("signal")).toThrow(refusedAccess)
    expect(inForce.policy.problem).toContain("rules")
    expect(actions()).toContain("postern.policy.refused")
  })

  test("takes the one that is right", () => {
    const inForce = start()
    writeFileSync(config.access, "identities: 5\n")
    writeFileSync(policyFile, policyText("two"))
    expect(() => inForce.reload("signal")).toThrow(refusedAccess)
    expect(inForce.policy.policy.digest).toBe(digestOf(policyText("two")))
  })
})
