import { createHmac } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Audit, connect, loadProfile } from "@postern/client"
import { parseEntry } from "@postern/log/event"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { followLog } from "../disk/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let audit: string
let live: Awaited<ReturnType<typeof startProcesses>>
let app: Audit
const received: { headers: IncomingHttpHeaders; body: string }[] = []
const key = Buffer.alloc(32, 5)
const receiver = createServer(async (request, response) => {
  let body = ""
  for await (const chunk of request) body += String(chunk)
  received.push({ headers: request.headers, body })
  response.end("thanks")
})
const page = readFileSync(new URL("../../../../docs/operating/alerts.md", import.meta.url), "utf8")
const waiting = { timeout: 20_000, interval: 50 }

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-alert-"))
  audit = join(directory, "audit")
  live = await startProcesses(audit)
  receiver.listen(0, "127.0.0.1")
  await once(receiver, "listening")
  const { port } = receiver.address() as AddressInfo
  const text = /^```yaml\n(.*?)^```$/ms.exec(page)?.[1] ?? ""
  const here = text.replace("https://alarms.example/postern", `http://127.0.0.1:${port}/postern`)
  writeFileSync(join(audit, "alerts.yaml"), here)
  writeFileSync(join(audit, "pager.key"), `whsec_${key.toString("base64")}\n`, { mode: 0o600 })
  await live.start("courier")
  await entries("postern.alerts.loaded")
  app = await connect(live.profiles.writer)
})

afterAll(async () => {
  await app.close()
  await live.stop()
  receiver.closeAllConnections()
  receiver.close()
  rmSync(directory, { recursive: true })
})

interface Event {
  readonly source: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Entries with this action, once there are so many. */
function entries(action: string, least = 1): Promise<Event[]> {
  return vi.waitFor(async () => {
    const view = await followLog(join(audit, "data", "log"))
    const leaves = await view.leaves(0, view.head().size)
    await view.close()
    const found = leaves
      .map((leaf) => parseEntry(leaf).event)
      .filter((event) => event.action === action)
    expect(found.length).toBeGreaterThanOrEqual(least)
    return found as unknown as Event[]
  }, waiting)
}

const messages = () => received.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
const ofAlert = () =>
  messages().filter(({ type, alert }) => type === "alert" && alert === "many-denied")

async function deny(actor: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) app("thing.read", { actor, outcome: "denied" })
  await app.flush()
}

test("what is denied too often is an entry and a signed notification", async () => {
  await deny("alice", 19)
  await deny("bob", 1)
  await deny("alice", 1)
  await vi.waitFor(() => expect(ofAlert()).toHaveLength(1), waiting)
  expect(ofAlert()[0]).toMatchObject({
    state: "raised",
    severity: "high",
    count: 20,
    of: ["alice"],
  })
  const [{ headers, body } = { headers: {}, body: "" }] = received
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  const mac = createHmac("sha256", key).update(signed).digest("base64")
  expect(headers["webhook-signature"]).toBe(`v1,${mac}`)
  const raised = await entries("postern.alert.raised", 2)
  expect(raised.map(({ data }) => [data.alert, data.of])).toEqual([
    ["new-writer", "spiffe://postern.local/writer/app"],
    ["many-denied", "alice"],
  ])
  expect(raised[0]?.source).toBe("postern://postern.local/audit/courier")
})

interface Listed {
  readonly name: string
  readonly state: string
  readonly raised: readonly { readonly of?: string; readonly count: number }[]
  readonly lastDelivery?: { readonly outcome: string }
}

/** What `alert list` says of an alert. */
async function listed(name: string): Promise<Listed | undefined> {
  const { stdout } = await runHere(["alert", "list", "--config", live.config.file, "--json"])
  const { alerts } = JSON.parse(stdout) as { alerts: readonly Listed[] }
  return alerts.find((one) => one.name === name)
}

test("a killed courier goes on where it was, and says nothing twice", async () => {
  await vi.waitFor(async () => {
    expect((await listed("many-denied"))?.lastDelivery?.outcome).toBe("taken")
  }, waiting)
  await live.end("courier", "SIGKILL")
  await deny("alice", 3)
  await live.start("courier")
  await entries("postern.alerts.loaded", 2)
  await deny("carol", 20)
  const raised = await entries("postern.alert.raised", 3)
  expect(raised.map(({ data }) => data.of).slice(1)).toEqual(["alice", "carol"])
  expect(ofAlert()).toHaveLength(1) // It is held down.
  await vi.waitFor(async () => {
    const { state, raised = [] } = (await listed("many-denied")) ?? {}
    expect([state, raised.map(({ of, count }) => [of, count])]).toEqual([
      "raised",
      [
        ["alice", 23],
        ["carol", 20],
      ],
    ])
  }, waiting)
})

test("the commands of alerts.md work as they stand there", async () => {
  const [block = ""] = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text)
  const commands = block.split("\n").filter((line) => line !== "")
  expect(commands).toHaveLength(3)
  const said: string[] = []
  for (const command of commands) {
    const args = command.replaceAll("audit/", `${audit}/`).split(" ").slice(1)
    const { status, stdout, stderr } = await runHere(args)
    expect([command, status, stderr]).toEqual([command, exitCodes.ok, ""])
    said.push(stdout)
  }
  expect(said[0]).toMatch(/^many-denied +2 +\d+ +20/m)
  expect(said[1]).toMatch(
    /^many-denied +high +raised +\S+ +43 +alice, carol +taken by pager: status 200$/m,
  )
  expect(said[2]).toBe("pager answered 200: thanks\n")
  expect(messages().at(-1)).toMatchObject({ type: "test", alert: "many-denied" })
  const [tested] = await entries("postern.alert.tested")
  expect(tested?.data).toMatchObject({
    asker: "operator",
    told: [{ webhook: "pager", status: 200 }],
  })
})

test("a test that cannot be, and a file that is wrong, are refused by name and line", async () => {
  const config = ["--config", live.config.file]
  const unknown = await runHere(["alert", "test", "x", ...config])
  expect([unknown.status, unknown.stderr]).toEqual([
    exitCodes.failed,
    expect.stringContaining("no alert of that name"),
  ])
  const untold = await runHere(["alert", "test", "new-writer", ...config])
  expect(untold.stderr).toContain("names no webhook")
  const bad = join(directory, "bad.yaml")
  writeFileSync(bad, 'alerts:\n  - name: a\n    severity: low\n    query: "outcome:(denied"\n')
  const refused = await runHere(["alert", "check", bad])
  expect([refused.status, refused.stderr]).toEqual([
    exitCodes.configuration,
    expect.stringContaining("line 4: alerts[0].query"),
  ])
  // In one go: the courier looks at the file, and half of it would be refused for another reason.
  renameSync(bad, join(audit, "alerts.yaml"))
  const [entry] = await entries("postern.alerts.refused")
  expect(entry?.data.error).toContain("line 4: alerts[0].query")
  const json = JSON.parse(
    (
      await runHere([
        "alert",
        "check",
        join(audit, "data/state/courier/alerts.yaml"),
        ...config,
        "--json",
        "--entries",
        "10",
      ])
    ).stdout,
  )
  expect(json).toMatchObject({ alerts: 3, questions: 1, webhooks: 1 })
  expect(json.rehearsal.to - json.rehearsal.from).toBe(10)
})

test("nobody but the courier may write what alerts do, and the courier nothing else", async () => {
  const pki = (name: string) => readFileSync(join(audit, "pki", `courier-process.${name}`), "utf8")
  const profile = loadProfile(live.profiles.writer)
  const spool = (name: string) => join(directory, "spools", name)
  const id = "spiffe://postern.local/postern/courier"
  const source = "postern://postern.local/audit/courier"
  const mayUseSelfActions = true
  const quiet = { mayUseSelfActions, onProblem: () => undefined }
  const mallory = await connect({ ...profile, spool: spool("app") }, quiet)
  const own = {
    ...profile,
    id,
    source,
    certificate: pki("crt"),
    key: pki("key"),
    spool: spool("courier"),
  }
  const courier = await connect(own, quiet)
  const details = { actor: "x" }
  const refused = (code: string) => expect.objectContaining({ code })
  await expect(mallory.confirm("postern.alert.raised", details)).rejects.toEqual(
    refused("EVENT_SELF_ACTION"),
  )
  for (const action of ["postern.read", "postern.started", "postern.alert.other", "thing.done"]) {
    await expect(courier.confirm(action, details)).rejects.toEqual(
      refused("EVENT_ACTION_NOT_GRANTED"),
    )
  }
  expect((await courier.confirm("postern.alert.raised", details)).index).toBeGreaterThan(0)
  await Promise.all([mallory.close(), courier.close()])
})
