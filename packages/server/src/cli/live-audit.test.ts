import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Audit, connect, loadProfile } from "@postern/client"
import { parseBase64 } from "@postern/log/base"
import { verifyStreamStatement } from "@postern/log/evidence"
import { checkProofFile, parsePolicy, parseProofFile } from "@postern/log/tlog"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { followLog } from "../disk/index.ts"
import { type LivePort, startLivePort } from "./live-port.test.support.ts"

let directory: string
let live: LivePort
const problems: unknown[] = []
const open = (): Promise<Audit> => {
  return connect(live.writer, { onProblem: (problem) => problems.push(problem) })
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-audit-"))
  live = await startLivePort(join(directory, "installation"))
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

/** Events of the log, in order. */
async function events(): Promise<{ action: string; data?: Record<string, unknown> }[]> {
  const view = await followLog(join(directory, "installation", "data", "log"))
  const leaves = await view.leaves(0, view.head().size)
  await view.close()
  return leaves.map((leaf) => {
    const text = Buffer.from(leaf).toString()
    return JSON.parse(text.slice(text.indexOf("\n") + 1))
  })
}

describe("a writer and a port that runs", () => {
  test("an entry is proven under a checkpoint, which the next process of the writer goes on from", async () => {
    const { log, spool = "" } = loadProfile(live.writer)
    const policy = parsePolicy(`log ${log.vkey}\nquorum none\n`)
    const sizes: number[] = []
    for (let round = 0; round < 2; round++) {
      const audit = await open()
      for (let i = 0; i < 50; i++) audit("thing.done", { actor: "alice" })
      const wait = "published" as const
      const { proof = "", leaf, index } = await audit.confirm("a.b", { actor: "a" }, { wait })
      const { checkpoint } = await checkProofFile(parseProofFile(proof), leaf, policy)
      expect(checkpoint.size).toBeGreaterThan(index)
      await audit.close()
      sizes.push(Number(readFileSync(join(spool, "checkpoint"), "utf8").split("\n")[1]))
    }
    expect(sizes[1]).toBeGreaterThan(sizes[0] as number)
    expect(problems).toEqual([])
  }, 30_000)

  test("the end of a stream is signed, with the key in its opening entry", async () => {
    const audit = await open()
    audit("thing.done", { actor: "alice" })
    await audit.flush()
    await audit.close()
    const all = await events()
    const closed = all.findLast(({ action }) => action === "postern.stream.closed")
    const opened = all[Number(closed?.data?.open)]
    const { stream, next, digest, signature } = closed?.data ?? {}
    const statement = {
      ...{
        origin: loadProfile(live.writer).log.origin,
        stream: String(stream),
        kind: "close" as const,
      },
      ...{ next: Number(next), digest: parseBase64(String(digest)) as Uint8Array },
    }
    const { publicKey, previous } = opened?.data ?? {}
    expect(await verifyStreamStatement(statement, String(publicKey), String(signature))).toBe(true)
    expect(all.some(({ data }) => data?.stream === previous)).toBe(true)
  })
})
