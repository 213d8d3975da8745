import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { parseAccess } from "../../packages/server/dist/access/index.js"
import { checkStatement, signStatement } from "../../packages/server/dist/approval/index.js"
import { createAuthority, issueCertificate } from "../../packages/server/dist/guard/pki/index.js"
import {
  BreakGlass,
  type BreakGlassWorld,
  demandOpenings,
  type Opening,
} from "../../packages/server/dist/port/break-glass.js"

const hour = 3_600_000
const began = Date.parse("2026-11-23T12:00:00Z")
const origin = "postern.test/audit"
const night = "spiffe://postern.test/break-glass/night"
const operator = (name: string) => `spiffe://postern.test/operator/${name}`
const authority = await createAuthority({ trustDomain: "postern.test", now: new Date(began) })
const issue = (id: string) =>
  issueCertificate({ authority, id, usage: "client", now: new Date(began), days: 30 })
const [alice, bob] = [await issue(operator("alice")), await issue(operator("bob"))]
const moment = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

function listOf(expiresMs?: number, operators = ["alice", "bob"]) {
  const expires = expiresMs === undefined ? {} : { expires: moment(expiresMs) }
  const identities = [
    ...operators.map((name) => ({ id: operator(name), role: "operator" })),
    { id: night, role: "reader", grant: { see: "auditor" }, breakGlass: true, ...expires },
  ]
  return parseAccess(JSON.stringify({ identities }))
}

let directory: string
let nowMs: number
let recorded: Parameters<BreakGlassWorld["own"]["record"]>[0][]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-glass-port-"))
  nowMs = began
  recorded = []
})
afterEach(() => rmSync(directory, { recursive: true }))

const worldOf = (list = listOf()) => ({ origin, list, ca: authority.certificate, nowMs })
const glassOf = (list = listOf()) =>
  new BreakGlass(
    {
      file: join(directory, "state", "break-glass.json"),
      own: { record: (entry) => void recorded.push(entry) },
      tell: () => undefined,
      now: () => nowMs,
    },
    list,
  )

function sign(until: number, by = alice, signedAt = began, identity = night): void {
  const fields = { identity, until: moment(until), reason: "INC-42" }
  const statement = { kind: "open-break-glass", origin, time: moment(signedAt), fields } as const
  writeFileSync(join(directory, "one.opened"), signStatement(statement, by))
}

function openedGlass(): { glass: BreakGlass; opening: Opening } {
  sign(began + hour)
  const [opening] = demandOpenings(directory, listOf(began + hour), worldOf())
  if (opening === undefined) throw new Error("no opening")
  const glass = glassOf()
  glass.open([opening])
  return { glass, opening }
}

function verdict(by = bob, until = began + hour, list = listOf(began + hour)) {
  const fields = { identity: night, until: moment(until), verdict: "unjustified", note: "no" }
  const statement = { kind: "review-break-glass", origin, time: moment(nowMs), fields } as const
  return checkStatement(signStatement(statement, by), { ...worldOf(list), nowMs })
}

describe("an opening", () => {
  test("counts if an operator signed it for what is sealed, for an hour", () => {
    const { opening } = openedGlass()
    expect(opening).toMatchObject({ identity: night, by: operator("alice"), reason: "INC-42" })
    expect(recorded.map(({ action }) => action)).toEqual(["postern.breakglass.opened"])
  })

  test.each<[string, () => void, () => readonly unknown[]]>([
    ["nobody signed", () => undefined, () => demand(began + hour)],
    ["it was signed for another hour", () => sign(began + hour - 1000), () => demand(began + hour)],
    [
      "it was signed for another identity",
      () => sign(began + hour, alice, began, `${night}2`),
      () => demand(began + hour),
    ],
    ["it lasts longer", () => sign(began + hour + 1000), () => demand(began + hour + 1000)],
    [
      "it was signed long before its hour",
      () => sign(began + hour, alice, began - 1000),
      () => demand(began + hour),
    ],
    [
      "it was opened before",
      () => sign(began + hour),
      () => demand(began + hour, listOf(began - 1000)),
    ],
    [
      "it was never sealed here",
      () => sign(began + hour),
      () => demand(began + hour, parseAccess(JSON.stringify({ identities: operatorsOnly }))),
    ],
  ])("does not count if %s", (_name, prepare, ask) => {
    prepare()
    expect(ask).toThrow(/break-glass .*night/)
  })

  const operatorsOnly = [{ id: operator("alice"), role: "operator" }]
  const demand = (until: number, before = listOf()) =>
    demandOpenings(directory, listOf(until), worldOf(before))

  test("is not asked for where an access ends, or nothing changes", () => {
    expect(demandOpenings(directory, listOf(began), worldOf())).toEqual([])
    const open = listOf(began + hour)
    expect(demandOpenings(directory, open, worldOf(open))).toEqual([])
  })
})

describe("its review", () => {
  test("is due a day after the opening, and is told until it is made", () => {
    const { glass } = openedGlass()
    const list = listOf(began + hour)
    expect(glass.health(list)).toMatchObject({ open: [night], waiting: [{ overdue: false }] })
    nowMs = began + hour
    expect(glass.health(list)).toMatchObject({ open: [], waiting: [{ overdue: false }] })
    nowMs = began + 24 * hour - 1
    expect(glass.health(list)).toMatchObject({ waiting: [{ overdue: false }] })
    nowMs += 1
    expect(glass.health(list)).toMatchObject({ waiting: [{ overdue: true }] })
    glass.review(verdict(), list)
    expect(glass.health(list)).toEqual({ open: [], waiting: [] })
    expect(recorded.at(-1)).toMatchObject({
      action: "postern.breakglass.reviewed",
      outcome: "failure",
      data: { by: operator("bob"), openedBy: operator("alice"), verdict: "unjustified" },
    })
  })

  test("is by another operator, if there is one, and of something that has ended", () => {
    const { glass } = openedGlass()
    const list = listOf(began + hour)
    expect(() => glass.review(verdict(), list)).toThrow("is open")
    nowMs = began + hour
    expect(() => glass.review(verdict(alice), list)).toThrow("another operator")
    expect(() => glass.review(verdict(bob, began + 1000), list)).toThrow("an opening of")
    const alone = listOf(began + hour, ["alice"])
    glass.review(verdict(alice, began + hour, alone), alone)
    expect(glass.health(list).waiting).toEqual([])
  })

  test("waits over lives of the port; a second opening says how many wait", () => {
    const { opening } = openedGlass()
    const glass = glassOf()
    expect(glass.health(listOf()).waiting).toMatchObject([{ identity: night, reason: "INC-42" }])
    glass.open([{ ...opening, identity: `${night}2` }])
    expect(recorded.map(({ data }) => data.unreviewed)).toEqual([0, 1])
  })

  test("what a damaged file said is lost, and no start fails for it", () => {
    openedGlass()
    writeFileSync(join(directory, "state", "break-glass.json"), "{")
    expect(glassOf().health(listOf()).waiting).toEqual([])
  })
})

test("what is open at a start is announced again, known or not", () => {
  openedGlass()
  glassOf(listOf(began + hour))
  expect(recorded.map(({ data }) => [data.identity, data.reason])).toEqual([
    [night, "INC-42"],
    [night, "INC-42"],
  ])
  rmSync(join(directory, "state"), { recursive: true })
  glassOf(listOf(began + hour))
  expect(recorded.at(-1)?.data).toMatchObject({ identity: night, by: "unknown" })
})
