/** The examples of the SDK's integrations, as they stand in examples/ and docs/reference/sdk.md, each in a process of its own against a real port. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { AuditEvent } from "@postern/log/event"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freePorts } from "../../packages/server/src/cli/free-ports.test.support.ts"
import { Entries } from "../support/entries.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"

const top = fileURLToPath(new URL("../../", import.meta.url))
const page = readFileSync(`${top}docs/reference/sdk.md`, "utf8")
const waitMs = 20_000
let installation: Installation
let port: PortProcess
let entries: Entries
const names = [
  "actions",
  "pairs",
  "agent",
  "pino",
  "winston",
  "otel",
  "express",
  "fastify",
] as const
const writers = new Map<string, Identity>()

beforeAll(async () => {
  installation = (await Installation.make()).keepAll()
  for (const name of names) writers.set(name, await installation.writer(name))
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

interface Running {
  readonly child: ChildProcess
  readonly source: string
  said(): string
}

/** An example as a writer of its own. */
function start(name: string, file: string, env: object = {}): Running {
  const profile = installation.profileOf(writers.get(name) as Identity, port.write)
  const child = spawn(process.execPath, [`examples/${file}`], {
    cwd: top,
    env: { ...process.env, POSTERN_PROFILE: profile, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      said += chunk.toString()
    })
  }
  return { child, source: `app://${name}`, said: () => said }
}

/** The events of a source, once there are so many; then there are no more. */
async function eventsOf({ source, said }: Running, count: number): Promise<AuditEvent[]> {
  const own = async () => {
    const found = (await entries.all()).map(({ event }) => event as unknown as AuditEvent)
    const events = found.filter((event) => event.source === source)
    return events.length >= count ? events : undefined
  }
  const events = await until(own, waitMs, `${count} events of ${source}; it said: ${said()}`)
  expect(events).toHaveLength(count)
  return events
}

/** Runs an example to its end. */
async function run(name: string, file: string, count: number): Promise<AuditEvent[]> {
  const running = start(name, file)
  const [code] = running.child.exitCode === null ? await once(running.child, "exit") : [0]
  expect(code, running.said()).toBe(0)
  return eventsOf(running, count)
}

describe("docs/reference/sdk.md", () => {
  const files = [...page.matchAll(/^`(examples\/\S+\.js)`:\n\n```js\n([\s\S]*?)^```$/gm)]

  test("shows each example as it is, and each is short", () => {
    expect(files.map(([, path]) => path)).toHaveLength(8)
    for (const [, path = "", code = ""] of files) {
      expect(code, path).toBe(readFileSync(`${top}${path}`, "utf8"))
      expect(code.split("\n").length, path).toBeLessThanOrEqual(31)
    }
  })
})

describe("the example", () => {
  test("actions", async () => {
    const events = await run("actions", "actions/app.js", 6)
    const said = events.map(({ action, outcome }) => `${action} ${outcome}`)
    expect(said).toEqual([
      ...["user.login success", "user.login failure", "invoice.read success"],
      ...["invoice.update success", "invoice.access denied", "role.grant success"],
    ])
    expect(events[3]?.changes).toEqual([{ path: "/status", before: "draft", after: "sent" }])
  })

  test("with-audit", async () => {
    const events = await run("pairs", "with-audit/app.js", 4)
    const said = events.map(({ outcome, trace }) => [trace?.phase, outcome])
    expect(said).toEqual([
      ...[
        ["attempt", "unknown"],
        ["result", "success"],
      ],
      ...[
        ["attempt", "unknown"],
        ["result", "denied"],
      ],
    ])
    expect(new Set(events.map(({ trace }) => trace?.pairId)).size).toBe(2)
  })

  test("agent", async () => {
    const events = await run("agent", "agent/app.js", 2)
    expect(events[1]).toMatchObject({
      ...{ action: "tool.weather.call", actor: { type: "agent", id: "assistant" } },
      ...{ onBehalfOf: [{ type: "user", id: "alice" }], origin: { ip: "192.0.2.7" } },
      trace: { runId: "run-1", toolCallId: "call_1", phase: "result" },
    })
  })

  test.each(["pino", "winston", "otel"])("%s", async (name) => {
    const [sent, read] = await run(name, `${name}/app.js`, 2)
    expect(sent).toMatchObject({
      ...{ action: "invoice.sent", actor: { id: "alice" }, targets: [{ id: "4711" }] },
      data: { format: name },
    })
    expect(read).toMatchObject({ action: "invoice.read", actor: { id: "bob" }, outcome: "denied" })
  })

  test.each([
    ["express", "express/requests.js"],
    ["fastify", "fastify/app.js"],
  ])("%s", async (name, file) => {
    const [number] = await freePorts(1)
    const running = start(name, file, { PORT: String(number) })
    const ask = (headers: Record<string, string>) => {
      const url = `http://localhost:${number}/invoices/4711`
      return fetch(url, { method: "DELETE", headers }).catch(() => undefined)
    }
    const first = await until(() => ask({}), waitMs, `${name}; it said: ${running.said()}`)
    expect(first.status).toBe(401)
    expect((await ask({ "x-user": "alice" }))?.status).toBe(204)
    const events = await eventsOf(running, 3)
    const exit = once(running.child, "exit")
    running.child.kill("SIGTERM")
    await exit
    expect(events).toMatchObject([
      { action: "invoice.request", outcome: "denied", actor: { type: "anonymous" } },
      {
        action: "invoice.deleted",
        actor: { type: "user", id: "alice" },
        targets: [{ id: "4711" }],
      },
      {
        action: "invoice.request",
        outcome: "success",
        actor: { id: "alice" },
        response: { status: 204 },
      },
    ])
    const [, deleted, request] = events
    expect(deleted?.trace?.requestId).toBe(request?.trace?.requestId)
  })
})
