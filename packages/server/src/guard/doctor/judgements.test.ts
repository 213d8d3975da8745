import { describe, expect, test } from "vitest"
import type { HeldCertificate } from "../certificates/index.ts"
import { judgeCertificate } from "./certificates.ts"
import { judgeKey } from "./key-ages.ts"
import { judgeMachine, type MachineFacts } from "./machine-health.ts"
import { judgePolicy } from "./policy.ts"
import { judgeReview } from "./review.ts"
import { judgeStatus, type PortStatus } from "./standing.ts"

describe("a certificate", () => {
  const held: HeldCertificate = {
    ...{ file: "pki/server.crt", holder: "server", id: "spiffe://t/server", serial: "1" },
    ...{ notBefore: "2026-01-01T00:00:00.000Z", notAfter: "2027-01-01T00:00:00.000Z" },
    ...{ lifeUsed: 0.6, certificate: "", authority: "", isOurs: true, problem: undefined },
    state: "ok",
  }

  test.each([
    ["ok", "ok"],
    ["due", "ok"],
    ["warn", "warn"],
    ["fail", "fail"],
  ] as const)("that is %s gives %s", (state, result) => {
    expect(judgeCertificate({ ...held, state })).toMatchObject({
      result,
      subject: "server spiffe://t/server",
    })
  })

  test("that cannot be read is named by its file, with the reason", () => {
    const broken = { ...held, id: "", state: "fail", problem: "it is not a certificate" } as const
    const { subject, evidence } = judgeCertificate(broken)
    expect([subject, evidence]).toEqual([
      "server, pki/server.crt",
      "it is not a certificate: pki/server.crt",
    ])
  })
})

describe("the port's own word", () => {
  const waiting = {
    identity: "spiffe://t/x",
    by: "spiffe://t/o",
    due: "2026-11-24",
    overdue: false,
  }
  const well: PortStatus = {
    notReady: [],
    silentWriters: 0,
    access: { port: "a", reader: "a" },
    breakGlass: { open: [], waiting: [] },
    witnesses: { size: 10, ageSeconds: 3, behind: false },
    clock: { synchronized: "yes", offset: "within", offsetMs: 1 },
  }
  const bad = (status: PortStatus) =>
    judgeStatus(status)
      .filter(({ result }) => result !== "ok")
      .map(({ id, result, fix }) => [id, result, fix !== ""])

  test("is well where all is well, and every finding has evidence", () => {
    expect(bad(well)).toEqual([])
    expect(judgeStatus(well).every(({ evidence }) => evidence !== "")).toBe(true)
  })

  test.each<[Partial<PortStatus>, string, string]>([
    [{ notReady: ["draining"] }, "port.ready", "fail"],
    [{ signerProblem: "gone" }, "port.signer", "fail"],
    [{ accessProblem: "line 3" }, "access.accepted", "fail"],
    [{ access: { port: "a", reader: "b" } }, "access.applied", "fail"],
    [{ access: { port: "a" } }, "access.applied", "unknown"],
    [{ silentWriters: 2 }, "writers.silent", "warn"],
    [{ breakGlass: { open: ["spiffe://t/x"], waiting: [] } }, "breakglass.open", "fail"],
    [{ breakGlass: { open: [], waiting: [waiting] } }, "breakglass.review", "warn"],
    [
      { breakGlass: { open: [], waiting: [{ ...waiting, overdue: true }] } },
      "breakglass.review",
      "fail",
    ],
    [{ witnesses: { size: 1, behind: true } }, "witness.age", "fail"],
    [{ clock: { synchronized: "yes", offset: "beyond", offsetMs: 5000 } }, "clock.offset", "fail"],
    [{ clock: { synchronized: "unknown", offset: "unknown" } }, "clock.offset", "unknown"],
  ])("of %j is %s %s, and says what to do", (more, id, result) => {
    expect(bad({ ...well, ...more })).toEqual([[id, result, true]])
  })

  test("that says nothing is not taken for well", () => {
    expect(bad({}).map(([id]) => id)).toEqual([
      "access.applied",
      "breakglass.open",
      "witness.age",
      "clock.offset",
    ])
  })
})

describe("the machine", () => {
  const gibibyte = 1024 ** 3
  const well: MachineFacts = {
    disk: { freeBytes: 500 * gibibyte, totalBytes: 1000 * gibibyte },
    grown: { bytes: gibibyte, days: 1 },
    fdatasyncMs: 1,
    isRoot: false,
    loose: [],
    writable: [],
    exchangeable: [],
    node: "24.21.0",
    openssl: "3.5.8",
  }
  const bad = (facts: Partial<MachineFacts>) =>
    judgeMachine({ ...well, ...facts }, "data")
      .filter(({ result }) => result !== "ok")
      .map(({ id, result, fix }) => [id, result, fix !== ""])

  test("is well", () => expect(bad({})).toEqual([]))

  const disk = (free: number) => ({ freeBytes: free * gibibyte, totalBytes: 1000 * gibibyte })
  test.each<[Partial<MachineFacts>, string, string]>([
    [{ disk: disk(99) }, "disk.forecast", "fail"],
    [{ disk: disk(249) }, "disk.forecast", "warn"],
    [{ grown: { bytes: 200 * gibibyte, days: 1 } }, "disk.forecast", "fail"],
    [{ grown: { bytes: 20 * gibibyte, days: 1 } }, "disk.forecast", "warn"],
    [{ fdatasyncMs: 21 }, "disk.sync", "warn"],
    [{ fdatasyncMs: 201 }, "disk.sync", "fail"],
    [{ fdatasyncMs: undefined }, "disk.sync", "unknown"],
    [{ loose: ["pki/log.key"] }, "files.modes", "fail"],
    [{ writable: ["access.yaml"] }, "files.writable", "fail"],
    [{ exchangeable: ["/srv"] }, "files.writable", "fail"],
    [{ isRoot: true }, "user.root", "warn"],
    [{ openssl: "3.0.19" }, "runtime.hybrid", "warn"],
  ])("with %j is %s %s", (facts, id, result) => {
    expect(bad(facts)).toEqual([[id, result, true]])
  })

  test("of which it is not known how it grew has no forecast, and a disk that did not grow lasts", () => {
    expect(bad({ grown: undefined })).toEqual([])
    expect(bad({ grown: { bytes: 0, days: 3 } })).toEqual([])
  })
})

test.each([
  ["ok", "ok"],
  ["warn", "warn"],
  ["over", "fail"],
  ["unknown", "unknown"],
] as const)("a key that is %s is %s, and says what to do if it is not well", (state, result) => {
  const age = {
    purpose: "log",
    file: "log.key",
    since: "2026-01-01T00:00:00Z",
    daysMax: 365,
  } as const
  const finding = judgeKey({ ...age, state })
  expect([finding.result, finding.fix === ""]).toEqual([result, result === "ok"])
})

test.each([
  ["ok", "ok"],
  ["warn", "warn"],
  ["overdue", "fail"],
] as const)("a review that is %s is %s", (state, result) => {
  const finding = judgeReview({ state, due: "2026-12-01", open: undefined })
  expect(finding).toMatchObject({ result, evidence: "the next one is due on 2026-12-01" })
})

describe("the policy", () => {
  const digest = "a".repeat(64)
  test.each([
    [{ policy: { digest } }, ["ok", "ok"]],
    [{ policy: { digest: "b".repeat(64) } }, ["ok", "warn"]],
    [{ policy: { digest }, policyProblem: "line 3" }, ["fail", "ok"]],
    [{}, ["ok", "unknown"]],
  ])("of %j is %s", (status, results) => {
    const findings = judgePolicy(status, digest)
    expect(findings.map(({ result }) => result)).toEqual(results)
    for (const { result, fix } of findings) expect(fix === "").toBe(result === "ok")
  })
})
