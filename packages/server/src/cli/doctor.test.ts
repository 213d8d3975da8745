import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import type { Finding } from "../guard/exposure/index.ts"
import { Examinations } from "./examinations.ts"
import { exitCodes } from "./exit-code.ts"
import type { CommandIo } from "./io.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let config: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-doctor-cli-"))
  live = await startProcesses(join(directory, "audit"))
  config = live.config.file
}, 60_000)
afterAll(async () => {
  await live?.stop()
  rmSync(directory, { recursive: true })
}, 60_000)

/** By check id, the results it had. */
async function diagnose(...more: string[]) {
  const { status, stdout } = await runHere(["doctor", "--config", config, "--json", ...more])
  const { result, findings } = JSON.parse(stdout) as { result: string; findings: Finding[] }
  const of = (id: string) => findings.filter((one) => one.id === id).map((one) => one.result)
  return { status, result, findings, of }
}

test("a running installation has its doors shut, lets an entry through, and has it in its log", async () => {
  const { of, findings, status } = await diagnose("--fail-on", "critical")
  for (const id of ["plaintext", "no-certificate", "foreign-ca", "expired", "wrong-role"]) {
    expect([id, of(`door.${id}`)]).toEqual([id, ["ok", "ok"]])
  }
  expect(of("door.protocol")).toEqual(["ok", "ok"])
  expect(of("door.old-tls")).toEqual(["ok", "ok"])
  expect(of("canary")).toEqual(["ok"])
  for (const id of ["door.ops-outside", "door.ops-words", "process.core", "process.files"]) {
    expect([id, of(id)]).toEqual([id, ["ok"]])
  }
  expect(of("runtime.supported")).toEqual(["ok"])
  expect(of("files.writable")).toEqual(["ok"])
  expect(of("port.ready")).toEqual(["ok"])
  expect(of("files.modes")).toEqual(["ok"])
  expect(new Set(of("certificate.age"))).toEqual(new Set(["ok"]))
  expect(findings.every(({ result, fix }) => (result === "ok") === (fix === ""))).toBe(true)
  expect(status).toBe(0)
  const asked = ["search", "--profile", live.profiles.reader, "--json"]
  const action = ["--action", "postern.doctor.examined"]
  await vi.waitFor(
    async () =>
      expect(JSON.parse((await runHere([...asked, ...action])).stdout).entries).toMatchObject([
        { event: { data: { operator: expect.any(String), ok: expect.any(Number) } } },
      ]),
    { timeout: 10_000, interval: 200 },
  )
  const status_ = JSON.parse((await runHere(["status", "--config", config, "--json"])).stdout)
  expect(status_.doctor).toMatchObject({ result: expect.any(String) })
}, 120_000)

test("what is down is found, what cannot be asked is unknown, and the exit code says it", async () => {
  await live.end("port", "SIGTERM")
  const { of, status, result } = await diagnose()
  expect(of("canary")).toEqual(["fail"])
  expect(of("port.examined")).toEqual(["unknown"])
  expect(of("door.foreign-ca")).toEqual(["unknown", "ok"])
  expect([status, result]).toEqual([exitCodes.unverified, "fail"])
  await live.start("port")
  const text = await runHere(["doctor", "--config", config, "--fail-on", "critical"])
  expect(text.stdout).toContain("postern: doctor: ok")
}, 90_000)

test("a service looks at itself, and says what fails", async () => {
  const notes: string[] = []
  const nowhere = new PassThrough()
  const io: CommandIo = {
    ...{ stdin: nowhere, stdout: nowhere, stderr: nowhere, env: {}, color: false },
    line: () => undefined,
    note: (text) => void notes.push(text),
    now: () => new Date(),
  }
  await new Examinations(config, io).examine()
  // Which rules this machine has, and how slow its disk is just now, is not ours to say.
  expect(notes.filter((note) => !/port\.|firewall|disk\.sync/.test(note))).toEqual([])
  await live.end("reader", "SIGTERM")
  await new Examinations(config, io).examine()
  expect(notes.join("\n")).toContain("postern: doctor: canary: ")
  await live.start("reader")
}, 90_000)
