import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { formatVkey, parseWitnessVkey } from "@postern/log/tlog"
import { afterAll, describe, expect, test } from "vitest"
import { runHere } from "./live-port.test.support.ts"

const parent = mkdtempSync(join(tmpdir(), "postern-witness-cli-"))
afterAll(() => rmSync(parent, { recursive: true }))
const logKey = formatVkey("a.example/log", new Uint8Array(32).fill(7))
const nextKey = formatVkey("a.example/log", new Uint8Array(32).fill(8))

describe("postern witness", () => {
  const directory = join(parent, "w1")

  test("init makes a witness with a key of its own, once", async () => {
    const made = await runHere(["witness", "init", directory, "--name", "w.example/1"])
    expect(made.status).toBe(0)
    expect(parseWitnessVkey(made.stdout.trim())).toMatchObject({ name: "w.example/1" })
    expect(statSync(join(directory, "witness.key")).mode & 0o777).toBe(0o600)
    const again = await runHere(["witness", "init", directory, "--name", "w.example/1"])
    expect(again.status).toBe(1)
    expect(again.stderr).toContain("is a witness's")
  })

  test("init wants a key name", async () => {
    const args = ["witness", "init", join(parent, "w2"), "--name"]
    expect((await runHere([...args, "with space"])).status).toBe(2)
    expect((await runHere(args)).status).toBe(2)
  })

  test("add-log takes a log, another key of it, and a log with an origin of its own", async () => {
    const add = (...args: string[]) => runHere(["witness", "add-log", directory, ...args, "--json"])
    const first = await add(logKey)
    expect(JSON.parse(first.stdout)).toEqual({ origin: "a.example/log", vkeys: [logKey] })
    expect(JSON.parse((await add(nextKey)).stdout).vkeys).toEqual([logKey, nextKey])
    const other = await add(logKey, "--origin", "go.sum database tree")
    expect(JSON.parse(other.stdout).origin).toBe("go.sum database tree")
    expect((await add(logKey)).status).toBe(1)
    expect((await add("nonsense")).status).toBe(3)
  })

  test("serve does not start without its memory of a log that was added", async () => {
    for (const name of readdirSync(join(directory, "state"))) {
      rmSync(join(directory, "state", name))
    }
    const served = await runHere(["witness", "serve", directory, "--listen", "127.0.0.1:0"])
    expect(served.status).toBe(78)
    expect(served.stderr).toContain("the witness has lost what it knew of a log")
    expect(served.stderr).toContain("retire this witness")
  })

  test("serve wants an address, and certificate and key together", async () => {
    const serve = (...args: string[]) => runHere(["witness", "serve", directory, ...args])
    expect((await serve("--listen", "17520")).status).toBe(2)
    expect((await serve("--tls-certificate", "x")).status).toBe(2)
  })

  test("has help with examples", async () => {
    for (const verb of [[], ["init"], ["add-log"], ["serve"]]) {
      const { status, stdout } = await runHere(["witness", ...verb, "--help"])
      expect(status).toBe(0)
      expect(stdout).toContain("Examples:\n  postern witness init")
    }
  })
})
