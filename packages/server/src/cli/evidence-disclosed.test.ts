import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { connect, loadProfile } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let reader: string[]
let config: string[]
/** Index of the entry of which a value of 5 MB is kept beside the log. */
let large: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-evidence-disclosed-"))
  live = await startProcesses(join(directory, "audit"))
  reader = ["--profile", live.profiles.reader]
  config = ["--config", join(directory, "audit", "postern.yaml")]
  const audit = await connect(live.profiles.writer)
  const data = { body: "0123456789".repeat(500_000) }
  audit("file.stored", { actor: "alice", target: "file/1", outcome: "success", data })
  audit("file.deleted", { actor: "alice", target: "file/1", outcome: "success" })
  await audit.flush()
  await audit.close()
  await vi.waitFor(
    async () => {
      const found = await runHere(["search", ...reader, "--action", "file.*", "--json"])
      const { entries } = JSON.parse(found.stdout)
      expect(entries.filter((entry: { verified: boolean }) => entry.verified)).toHaveLength(2)
      large = String(Math.min(...entries.map(({ index }: { index: number }) => index)))
    },
    { timeout: 20_000, interval: 200 },
  )
}, 60_000)

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const to = (name: string) => join(directory, name)
const make = (name: string, ...more: string[]) => {
  return runHere(["evidence", "make", "-o", to(name), ...more])
}

test("a value of 5 MB is in the file if it is asked for, over the read port and from the directory", async () => {
  for (const [name, source] of [["there", reader] as const, ["here", config] as const]) {
    const made = await make(name, "--index", large, "--disclosed", ...source)
    expect([made.status, made.stderr]).toEqual([0, ""])
    expect(made.stdout).toMatch(/^disclosed +1 value whose digest the entries hold$/m)
    const shown = await runHere(["verify", to(name), ...reader])
    expect([shown.status, shown.stderr]).toEqual([10, ""])
    expect(shown.stdout).toMatch(
      /^value +entry \d+, data: \{"body":"01234567890.{150,200}… \(5000011 /m,
    )
    expect(shown.stdout).not.toMatch(/withheld/)
    const { counts, disclosed } = JSON.parse(
      (await runHere(["verify", to(name), ...reader, "--json"])).stdout,
    )
    expect(counts).toMatchObject({ disclosed: 1, withheld: 0, withholding: 0 })
    expect(disclosed).toHaveLength(1)
    expect(disclosed[0]).toMatchObject({ index: Number(large), name: "data" })
    expect(JSON.parse(disclosed[0].json)).toEqual({ body: "0123456789".repeat(500_000) })
  }
})

test("without asking it is withheld, and the check says so", async () => {
  const made = await make("bare", "--action", "file.*", ...reader)
  expect([made.status, made.stderr]).toEqual([0, ""])
  const shown = await runHere(["verify", to("bare"), ...reader])
  expect(shown.status).toBe(10)
  expect(shown.stdout).toMatch(/^withheld +1 value of 1 entry was not handed out$/m)
  expect(shown.stdout).not.toMatch(/^(disclosed|value) /m)
})

test("what was asked for is recorded, with how many values left", async () => {
  await vi.waitFor(async () => {
    const asked = ["search", ...reader, "--action", "postern.evidence", "--json"]
    const { entries } = JSON.parse((await runHere(asked)).stdout)
    const said = entries.map(({ event }: { event: { data: object } }) => event.data)
    expect(said).toContainEqual(expect.objectContaining({ kind: "set", disclosed: 1 }))
    expect(said).toContainEqual(expect.objectContaining({ kind: "set", disclosed: 0 }))
    expect(entries[0].event.actor.id).toBe(loadProfile(live.profiles.reader).id)
  }, 10_000)
})

test("of a file that does not hold no value is shown", async () => {
  const vectors = new URL("../../../../docs/spec/vectors/evidence/", import.meta.url)
  const { policies } = JSON.parse(readFileSync(new URL("index.json", vectors), "utf8"))
  writeFileSync(to("policy"), policies.quorum)
  const check = (name: string) =>
    runHere(["verify", fileURLToPath(new URL(name, vectors)), "--policy", to("policy"), "--json"])
  const good = await check("disclosed.postern.ndjson")
  expect([good.status, JSON.parse(good.stdout).disclosed.length]).toEqual([0, 2])
  const bad = await check("bad-disclosure-letter.postern.ndjson")
  expect([bad.status, JSON.parse(bad.stdout).disclosed]).toEqual([3, []])
})

test("a proof without the entry has no place for a value", async () => {
  const made = await make("proof", "--index", large, "--tlog-proof", "--disclosed", ...reader)
  expect([made.status, made.stdout]).toEqual([2, ""])
})

test("a value that is gone leaves a file without it, and the command says so", async () => {
  const sealed = join(directory, "audit", "data", "disclosures")
  for (const key of readdirSync(sealed)) rmSync(join(sealed, key), { recursive: true })
  for (const [name, source] of [["gone-there", reader] as const, ["gone-here", config] as const]) {
    const made = await make(name, "--index", large, "--disclosed", "--json", ...source)
    expect(made.status).toBe(0)
    expect(made.stderr).toMatch(
      /1 of the values that are kept beside the log cannot be had: the file/,
    )
    expect(JSON.parse(made.stdout).counts).toMatchObject({ disclosed: 0, withheld: 1 })
    expect((await runHere(["verify", to(name), ...reader])).status).toBe(10)
  }
})
