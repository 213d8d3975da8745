import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, formatProfile, loadProfile } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { createLogKeys, verifierKey } from "../guard/pki/index.ts"
import { runHere } from "./live-port.test.support.ts"
import { startCommand, startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let profile: string

/** Ten invoices and one thing that a terminal must not see as it is, each under a checkpoint. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-reading-"))
  live = await startProcesses(join(directory, "installation"))
  profile = live.profiles.reader
  const audit = await connect(live.profiles.writer)
  for (let i = 0; i < 10; i++) {
    const outcome = i % 2 === 0 ? "success" : "denied"
    audit("invoice.deleted", { actor: "alice", target: `invoice/${4711 + i}`, outcome })
  }
  audit("screen.cleared", { actor: "\u001b[2Jmallory", target: "screen/\u202e1" })
  await audit.flush()
  await audit.close()
  await vi.waitFor(
    async () => {
      const { stdout } = await search("--action", "screen.cleared")
      expect(stdout).toMatch(/^\d+ /m)
    },
    { timeout: 20_000, interval: 200 },
  )
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const search = (...more: string[]) => runHere(["search", "--profile", profile, ...more])
const show = (...more: string[]) => runHere(["show", "--profile", profile, ...more])

async function found(...more: string[]) {
  const { status, stdout, stderr } = await search("--json", ...more)
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout).entries as {
    index: number
    writer: string
    verified: boolean
    event: { action: string; outcome: string; data: Record<string, unknown> }
  }[]
}

describe("search", () => {
  test("prints a table for people, newest first", async () => {
    const { status, stdout } = await search("--action", "invoice.*", "--limit", "3")
    expect(status).toBe(0)
    const [head, ...rows] = stdout.trimEnd().split("\n")
    expect(head).toMatch(/^INDEX +RECEIVED +WRITER +ACTION +ACTOR +TARGET +OUTCOME$/)
    expect(rows).toHaveLength(3)
    expect(rows[0]).toMatch(
      /^\d+ +\d{4}-\d\d-\d\d \S+ +app +invoice\.deleted +alice +invoice\/4720 +denied$/,
    )
  })

  test("prints one JSON document, every entry verified", async () => {
    const entries = await found("--action", "invoice.*", "--outcome", "denied", "--oldest")
    expect(entries).toHaveLength(5)
    for (const { verified, writer, event } of entries) {
      expect(verified).toBe(true)
      expect(writer).toBe("spiffe://postern.local/writer/app")
      expect(event.outcome).toBe("denied")
    }
    const indexes = entries.map(({ index }) => index)
    expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
  })

  test.each([
    [["--actor", "alice"], 10],
    [["--actor", "user/alice"], 10],
    [["--target", "invoice/4711"], 1],
    [["--source", "app://app"], 11],
    [["--writer", "spiffe://postern.local/writer/*", "--outcome", "success"], 5],
    [["--text", "4719"], 1],
    [["actor:alice outcome:denied"], 5],
    [["target:(invoice/4711 OR invoice/4712) -4712"], 1],
    [["actor:alice OR source:app://app", "--outcome", "denied"], 5],
    [["--action", "invoice.*", "--since", "2000-01-01T00:00:00Z"], 10],
    [["--action", "invoice.*", "--until", "2000-01-01T00:00:00Z"], 0],
  ])("finds by %j exactly what fits", async (options, count) => {
    expect(await found(...options)).toHaveLength(count)
  })

  test("shows a terminal nothing that would move it", async () => {
    const { stdout } = await search("--action", "screen.cleared")
    expect(stdout).toContain("\\u{1b}[2Jmallory")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
  })

  test("leaves an entry about itself in the log", async () => {
    await search("--actor", "nobody-else-asks-for-this")
    await vi.waitFor(
      async () => {
        const reads = await found("--action", "postern.read", "--text", "else asks for this")
        expect(reads.length).toBeGreaterThan(0)
        expect(reads[0]?.writer).toBe("spiffe://postern.local/postern/reader")
        expect(reads.at(-1)?.event.data).toMatchObject({ what: "search" })
      },
      { timeout: 10_000, interval: 200 },
    )
  })

  test("remembers the newest checkpoint that it saw, beside the profile", async () => {
    const file = `${profile.replace(/\.yaml$/, "")}.checkpoint`
    await search("--limit", "1")
    const size = Number(readFileSync(file, "utf8").split("\n")[1])
    expect(size).toBeGreaterThan(10)
  })

  test("says in two lines what was wrong with the question", async () => {
    const { status, stderr } = await search("--outcome", "sucess")
    expect(status).toBe(1)
    expect(stderr).toMatch(/^postern: error: .*did you mean success\?.*\npostern: hint: .*\n$/)
    const query = await search("actor:alice AND acton:x")
    expect(query.status).toBe(1)
    expect(query.stderr).toMatch(/at character 17: .*did you mean action\? \(QUERY_INVALID\)/)
  })
})

describe("show", () => {
  test("prints the event first, then how it was verified", async () => {
    const [entry] = await found("--target", "invoice/4711")
    const { status, stdout } = await show(String(entry?.index))
    expect(status).toBe(0)
    expect(stdout).toMatch(/^action {7}invoice\.deleted\noutcome/)
    expect(stdout).toContain(`entry        ${entry?.index}\n`)
    expect(stdout).toMatch(/verified {5}\d+ hashes lead from the leaf to the signed checkpoint/)
    expect(stdout).not.toContain("audit path")
  })

  test("prints the proof itself if asked to", async () => {
    const { stdout } = await show("3", "--proof")
    expect(stdout).toContain("audit path")
    expect(stdout).toContain("— postern.local/audit ")
    const json = JSON.parse((await show("3", "--json")).stdout)
    expect(json.proof.checkpoint).toContain("postern.local/audit\n")
    expect(json.leaf).toContain(json.event.action)
  })

  test("knows what is no index and what is not there", async () => {
    expect((await show("x")).status).toBe(2)
    expect((await show("99999999")).status).toBe(1)
  })
})

describe("tail", () => {
  test("shows what is there and what comes, a line each, until Ctrl-C", async () => {
    const tail = startCommand([
      "tail",
      "--profile",
      profile,
      "--from",
      "0",
      "--json",
      "--action",
      "invoice.*",
    ])
    const lines = () => tail.said.stdout.split("\n").filter((line) => line !== "")
    await vi.waitFor(() => expect(lines()).toHaveLength(10), { timeout: 20_000 })
    const audit = await connect(live.profiles.writer)
    audit("invoice.paid", { actor: "bob", target: "invoice/1" })
    await vi.waitFor(() => expect(lines()).toHaveLength(11), { timeout: 20_000 })
    await audit.close()
    expect(await tail.stop()).toBe(0)
    const entries = lines().map((line) => JSON.parse(line))
    expect(entries.at(-1).event.action).toBe("invoice.paid")
    const indexes = entries.map(({ index }) => index)
    expect(new Set(indexes).size).toBe(11)
    expect(tail.said.stderr).toBe("")
  })
})

describe("exit codes", () => {
  const other = (name: string, change: Partial<ReturnType<typeof loadProfile>>) => {
    const file = join(directory, name)
    writeFileSync(file, formatProfile({ ...loadProfile(profile), ...change }), { mode: 0o600 })
    return file
  }

  test("3 for a log that another key has signed", async () => {
    const vkey = verifierKey("postern.local/audit", createLogKeys().logKey)
    const file = other("other-key.yaml", { log: { origin: "postern.local/audit", vkey } })
    for (const args of [["search"], ["show", "3"], ["tail", "--from", "0"]]) {
      const { status, stderr } = await runHere([...args, "--profile", file])
      expect(status, stderr).toBe(3)
      expect(stderr).toContain("NOTE_INVALID")
    }
  })

  test("3 for a log that does not continue the remembered one", async () => {
    const file = other("forked.yaml", {})
    expect((await runHere(["search", "--profile", file])).status).toBe(0)
    // What would be remembered of another log that this key has signed cannot be made here: a garbled note can.
    writeFileSync(join(directory, "forked.checkpoint"), "postern.local/audit\n1\nAAAA\n")
    expect((await runHere(["search", "--profile", file])).status).toBe(3)
  })

  test("4 where nobody answers, or somebody else", async () => {
    const nobody = other("nobody.yaml", { address: "127.0.0.1:1" })
    const wrong = other("wrong.yaml", { server: "spiffe://postern.local/server2" })
    for (const file of [nobody, wrong]) {
      for (const args of [["search"], ["show", "3"], ["tail"]]) {
        const { status, stderr } = await runHere([...args, "--profile", file])
        expect(status, stderr).toBe(4)
      }
    }
  })

  test("78 for a writer's profile", async () => {
    expect((await runHere(["search", "--profile", live.profiles.writer])).status).toBe(78)
  })
})
