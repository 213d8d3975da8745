import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync, gzipSync } from "node:zlib"
import { connect, loadProfile } from "@postern/client"
import { checkProofFile, parsePolicy, parseProofFile } from "@postern/log/tlog"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let profile: string
let config: string
let vkey: string
const vectors = new URL("../../../../docs/spec/vectors/evidence/", import.meta.url)

/** Twenty invoices in one stream that its writer has closed, all under a checkpoint. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-evidence-cli-"))
  live = await startProcesses(join(directory, "audit"))
  profile = live.profiles.reader
  config = join(directory, "audit", "postern.yaml")
  vkey = loadProfile(profile).log.vkey
  const audit = await connect(live.profiles.writer)
  for (let i = 0; i < 20; i++) {
    audit("invoice.deleted", { actor: "alice", target: `invoice/${i}`, outcome: "success" })
  }
  await audit.flush()
  await audit.close()
  await vi.waitFor(
    async () => {
      const asked = ["search", "--profile", profile, "--action", "invoice.*", "--json"]
      const { entries } = JSON.parse((await runHere(asked)).stdout)
      expect(entries.filter((entry: { verified: boolean }) => entry.verified)).toHaveLength(20)
    },
    { timeout: 20_000, interval: 200 },
  )
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const to = (name: string) => join(directory, name)
const make = (name: string, ...more: string[]) => {
  return runHere(["evidence", "make", "-o", to(name), ...more])
}
const verify = (path: string, ...more: string[]) => runHere(["verify", path, ...more])

async function openingOf(): Promise<number> {
  const asked = ["search", "--profile", profile, "--action", "invoice.*", "--json", "--limit", "1"]
  return JSON.parse((await runHere(asked)).stdout).entries[0].stream
}

describe("postern evidence make", () => {
  test("makes what fits a search over the read port, and it is recorded", async () => {
    const made = await make("query", "--query", "actor:alice NOT bob", "--profile", profile)
    expect([made.status, made.stderr]).toEqual([0, ""])
    expect(made.stdout).toMatch(/SIGNED-ONLY/)
    const verified = await verify(to("query"), "--vkey", vkey, "--json")
    expect([verified.status, verified.stderr]).toEqual([10, ""])
    expect(JSON.parse(verified.stdout)).toMatchObject({
      verdict: "SIGNED-ONLY",
      kind: "set",
      claim: { query: "actor:alice NOT bob" },
      counts: { leaves: 20, unknown: 0 },
      writers: [{ writer: loadProfile(live.profiles.writer).id, "port-asserted": 20 }],
    })
    await vi.waitFor(async () => {
      const asked = ["search", "--profile", profile, "--action", "postern.evidence", "--json"]
      const [entry] = JSON.parse((await runHere(asked)).stdout).entries
      expect(entry.event.data).toMatchObject({ what: "evidence", kind: "set", count: 20 })
      expect(entry.event.actor.id).toBe(loadProfile(profile).id)
    }, 10_000)
  })

  test("makes a stream from the log's directory and over the read port alike", async () => {
    const stream = String(await openingOf())
    let at = 0
    // A checkpoint that came in between asks for other hashes: then both are made once more.
    await vi.waitFor(async () => {
      at += 1
      const here = await make(`here${at}`, "--stream", stream, "--config", config, "--json")
      const there = await make(`there${at}`, "--stream", stream, "--profile", profile, "--json")
      expect([here.status, there.status, here.stderr, there.stderr]).toEqual([0, 0, "", ""])
      const [a, b] = [JSON.parse(here.stdout), JSON.parse(there.stdout)]
      expect(a).toMatchObject({
        ...{ kind: "stream", claim: { first: 0, next: 20 }, numberedBy: "writer" },
        counts: { writerSigned: 20, unknown: 0 },
      })
      expect([b.claim, b.counts]).toEqual([a.claim, a.counts])
    }, 20_000)
    const shown = await verify(to(`here${at}`), "--config", config)
    expect(shown.stdout).toMatch(/^shows +the stream that entry \d+ opened, numbers 0 to 20: /m)
    expect(shown.stdout).toMatch(/the writer numbers its events/)
  })

  test("makes a range and a list", async () => {
    const range = await make("range", "--range", "1-9", "--profile", profile, "--json")
    expect(JSON.parse(range.stdout)).toMatchObject({ kind: "range", counts: { leaves: 8 } })
    const list = await make("list", "--index", "7,3", "--index", "4", "--config", config, "--json")
    expect(JSON.parse(list.stdout).claim).toEqual({ indexes: [3, 4, 7] })
  })

  test("makes a tlog-proof of one entry, which checks with its leaf", async () => {
    const policy = parsePolicy(`log ${vkey}\nquorum none\n`)
    const show = await runHere(["show", "5", "--profile", profile, "--json"])
    const leaf = Buffer.from(JSON.parse(show.stdout).leaf)
    for (const source of [
      ["--profile", profile],
      ["--config", config],
    ]) {
      const name = `proof${source[0]}`
      const made = await make(name, "--index", "5", "--tlog-proof", ...source)
      expect([made.status, made.stderr]).toEqual([0, ""])
      const file = parseProofFile(readFileSync(to(name), "utf8"))
      expect(file.index).toBe(5)
      await checkProofFile(file, leaf, policy)
    }
  })

  test.each([
    [[], /say what to prove/],
    [["--range", "9-1"], /A below B/],
    [["--range", "1-2", "--index", "3"], /one at a time/],
    [["--stream", "zz"], /neither the index/],
    [["--index", "x"], /not an index/],
    [["--query"], /argument missing/],
    [["--range", "1-3", "--tlog-proof"], /one entry/],
  ])("does not understand %j", async (args, error) => {
    const ran = await make("nothing", "--profile", profile, ...args)
    expect([ran.status, ran.stdout]).toEqual([2, ""])
    expect(ran.stderr).toMatch(error)
    expect(existsSync(to("nothing"))).toBe(false)
  })

  test("leaves nothing behind when there is nothing, and nothing is overwritten", async () => {
    const args = ["--index", "99999"]
    for (const source of [
      ["--profile", profile],
      ["--config", config],
    ] as const) {
      const ran = await make("absent", ...args, ...source)
      expect([ran.status, /NOT_FOUND/.test(ran.stderr)]).toEqual([1, true])
    }
    expect([existsSync(to("absent")), existsSync(to("absent.new"))]).toEqual([false, false])
    writeFileSync(to("mine"), "mine")
    const ran = await make("mine", "--index", "1", "--profile", profile)
    expect(ran.stderr).toMatch(/ALREADY_EXISTS/)
    expect(readFileSync(to("mine"), "utf8")).toBe("mine")
    const both = await make("both", "--index", "1", "--profile", profile, "--config", config)
    expect(both.status).toBe(2)
  })
})

describe("postern verify FILE", () => {
  const { policies, files } = JSON.parse(readFileSync(new URL("index.json", vectors), "utf8"))
  const codes = { WITNESSED: 0, "SIGNED-ONLY": 10, "FORK-EVIDENCE": 11, INVALID: 3 } as const

  /** Files that do not look like evidence by their first bytes are taken for receipts, and refused as such. */
  test("gives every vector its exit code", async () => {
    const wrong: unknown[] = []
    for (const { file, policy, verdict } of files) {
      const policyFile = to(`${policy}.policy`)
      writeFileSync(policyFile, policies[policy])
      const path = new URL(file, vectors).pathname
      const { status, stdout } = await verify(path, "--policy", policyFile)
      const isTold = stdout === "" || stdout.startsWith(`verdict      ${verdict}: `)
      if (status !== codes[verdict as keyof typeof codes] || !isTold) {
        wrong.push({ file, status, stdout })
      }
    }
    expect(wrong).toEqual([])
  })

  test("says which line is wrong", async () => {
    const made = await make("changed", "--range", "1-9", "--profile", profile)
    expect(made.status).toBe(0)
    const bytes = gunzipSync(readFileSync(to("changed")))
    const at = bytes.indexOf('{"leaf":[4')
    bytes[at + 40] = (bytes[at + 40] as number) ^ 1
    writeFileSync(to("changed"), gzipSync(bytes))
    const ran = await verify(to("changed"), "--vkey", vkey)
    expect(ran.status).toBe(3)
    expect(ran.stdout).toMatch(/^verdict +INVALID: /)
    expect(ran.stderr).toMatch(/EVIDENCE_INVALID/)
  })

  test("needs to be told whom to trust", async () => {
    const ran = await verify(new URL("set.postern.ndjson", vectors).pathname)
    expect([ran.status, /verifier key is needed/.test(ran.stderr)]).toEqual([2, true])
    writeFileSync(to("bad.policy"), "quorum")
    const bad = await verify(
      new URL("set.postern.ndjson", vectors).pathname,
      "--policy",
      to("bad.policy"),
    )
    expect(bad.stderr).toMatch(/POLICY_INVALID/)
  })
})

describe("postern evidence fork", () => {
  test("makes evidence of two checkpoints, and of nothing else", async () => {
    const { files, policies } = JSON.parse(readFileSync(new URL("index.json", vectors), "utf8"))
    expect(files.length).toBeGreaterThan(60)
    const fork = readFileSync(new URL("fork.postern.ndjson", vectors), "utf8").split("\n")
    const notes = fork.slice(1, 3).map((line, i) => {
      writeFileSync(to(`note${i}`), JSON.parse(line).note)
      return to(`note${i}`)
    })
    writeFileSync(to("fork.policy"), policies.alone)
    const args = ["--policy", to("fork.policy"), "-o", to("fork")]
    const made = await runHere(["evidence", "fork", ...notes, ...args])
    expect([made.status, made.stderr]).toEqual([0, ""])
    expect((await verify(to("fork"), "--policy", to("fork.policy"))).status).toBe(11)
    const same = await runHere(["evidence", "fork", to("note0"), to("note0"), "-o", to("same")])
    expect([same.status, existsSync(to("same"))]).toEqual([3, false])
    const stranger = ["--vkey", vkey, "-o", to("stranger")]
    const unknown = await runHere(["evidence", "fork", ...notes, ...stranger])
    expect([unknown.status, existsSync(to("stranger"))]).toEqual([3, false])
  })
})

describe("docs/operating/evidence.md", () => {
  test("has commands that run as they are written", () => {
    const bin = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))
    const page = readFileSync(
      new URL("../../../../docs/operating/evidence.md", import.meta.url),
      "utf8",
    )
    const commands = [...page.matchAll(/^ {4}postern (.+)$/gm)].map(([, rest = ""]) =>
      rest.split(" "),
    )
    expect(commands.length).toBeGreaterThan(5)
    const { POSTERN_CONFIG: _config, POSTERN_PROFILE: _profile, ...env } = process.env
    for (const args of commands) {
      const options = { cwd: directory, env, encoding: "utf8" } as const
      const { status, stderr } = spawnSync(process.execPath, [bin, ...args], options)
      expect([args, stderr, status]).toEqual([args, "", args[0] === "verify" ? 10 : 0])
    }
  }, 120_000)
})
