import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { type AlertsFile, parseAlertsFile } from "../../alerts/index.ts"
import { type Answer, openReceiver } from "./receiver.test.support.ts"
import { courierId, SmallLog } from "./small-log.test.support.ts"
import { type AlertsWatch, openAlertsWatch } from "./watch.ts"

let directory: string
let file: string
let log: SmallLog
const ends: (() => void | Promise<void>)[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-alerts-"))
  file = join(directory, "alerts.yaml")
  log = new SmallLog()
  log.append({ action: "postern.started" })
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true })
})

const waiting = { timeout: 10_000, interval: 20 }
const denied = { action: "a.b", outcome: "denied" }

async function receiver(answer?: Answer) {
  const opened = await openReceiver(answer)
  ends.push(opened.close)
  return opened
}

/** alerts.yaml with one alert on what is denied. */
function write(url: string, more = ""): void {
  const alert = `{ name: denied, query: "outcome:denied", severity: high, holdDown: 10s, to: [pager]${more} }`
  writeFileSync(file, `alerts:\n  - ${alert}\nwebhooks:\n  - { name: pager, url: "${url}" }\n`)
}

async function open(): Promise<AlertsWatch> {
  const watch = openAlertsWatch({
    ...{ file, state: join(directory, "state"), view: log.view(), records: log.records() },
    ...{ house: [courierId], tell: () => undefined, pauses: [1, 1] },
  })
  ends.push(() => watch.close())
  const before = log.own().filter(({ action }) => action === "alerts.loaded").length
  await vi.waitFor(() => {
    const loaded = log.own().filter(({ action }) => action === "alerts.loaded")
    expect(loaded.length).toBeGreaterThan(before)
  }, waiting)
  return watch
}

async function end(watch: AlertsWatch): Promise<void> {
  ends.pop()
  await watch.close()
}

const stateOf = (): AlertsFile =>
  parseAlertsFile(readFileSync(join(directory, "state", "alerts.json"), "utf8"))
const actions = () => log.own().map(({ action }) => action)
const wrote = (action: string, times = 1) =>
  vi.waitFor(() => expect(actions().filter((one) => one === action)).toHaveLength(times), waiting)

describe("the watch", () => {
  test("begins at the head, raises by an entry, tells the webhook, and keeps what it did", async () => {
    const { url, count, messages } = await receiver()
    write(url)
    log.append(denied, "w")
    await open()
    const index = log.append(denied, "w")
    await count(1)
    const [message] = messages()
    expect(message).toMatchObject({
      ...{ type: "alert", alert: "denied", state: "raised", severity: "high", count: 1 },
      ...{ first: index, last: index, log: log.origin, look: `postern show ${index}` },
    })
    expect(message).not.toHaveProperty("to")
    const raised = log.own().find(({ action }) => action === "alert.raised")
    expect(raised?.data).toMatchObject({ alert: "denied", first: index, withinSeconds: 300 })
    await vi.waitFor(() => {
      expect(stateOf().alerts).toMatchObject([
        { name: "denied", state: "raised", lastDelivery: { webhook: "pager", outcome: "taken" } },
      ])
      expect(stateOf().waiting).toEqual([])
    }, waiting)
  })

  test("goes on after a restart without a hole, and repeats nothing", async () => {
    const { url, count, messages } = await receiver()
    write(url)
    const first = await open()
    log.append(denied, "w")
    await count(1)
    // It has heard, too, that the message was taken.
    await vi.waitFor(() => expect(stateOf().waiting).toEqual([]), waiting)
    await end(first)
    const missed = log.append(denied, "w")
    const second = await open()
    await vi.waitFor(
      () => expect(stateOf().alerts[0]?.raised[0]).toMatchObject({ count: 2, last: missed }),
      {
        ...waiting,
        timeout: 15_000,
      },
    )
    await end(second)
    expect(messages()).toHaveLength(1)
    expect(actions()).toEqual(["alerts.loaded", "alert.raised", "alerts.loaded"])
  }, 30_000)

  test("delivers after a restart what an earlier life could not, with the same id", async () => {
    let status = 500
    const { url, received, count } = await receiver((_, response) =>
      response.writeHead(status).end(),
    )
    write(url)
    const pauses = [60_000]
    const options = {
      file,
      state: join(directory, "state"),
      view: log.view(),
      records: log.records(),
    }
    const first = openAlertsWatch({ ...options, house: [], tell: () => undefined, pauses })
    await wrote("alerts.loaded")
    log.append(denied, "w")
    await count(1)
    await first.close()
    status = 200
    await open()
    await count(2)
    expect(received[1]?.headers["webhook-id"]).toBe(received[0]?.headers["webhook-id"])
    expect(received[1]?.body).toBe(received[0]?.body)
  })

  test("writes down what was not taken", async () => {
    const { url } = await receiver((_, response) => response.writeHead(403).end())
    write(url)
    await open()
    log.append(denied, "w")
    await wrote("alert.undelivered")
    const { data } = log.own().find(({ action }) => action === "alert.undelivered") ?? {}
    expect(data).toMatchObject({
      alert: "denied",
      webhook: "pager",
      attempts: 1,
      reason: "status 403",
    })
  })

  test("takes a changed file over, and refuses a bad one with its line", async () => {
    const { url, messages, count } = await receiver()
    write(url)
    await open()
    writeFileSync(file, "alerts:\n  - { name: a, query: x }\n")
    await wrote("alerts.refused")
    expect(log.own().at(-1)?.data.error).toContain("line 2: alerts[0].severity: is missing")
    log.append(denied, "w")
    await count(1)
    await vi.waitFor(() => expect(stateOf().refused).toContain("line 2"), waiting)
    write(url, ", count: 2")
    await wrote("alerts.loaded", 2)
    const loaded = log.own().filter(({ action }) => action === "alerts.loaded")
    expect(loaded[1]?.data).toMatchObject({
      previous: loaded[0]?.data.digest,
      by: "change",
      alerts: 1,
    })
    expect(log.own().find(({ action }) => action === "alert.cleared")?.data).toMatchObject({
      reason: "changed",
    })
    expect(messages()).toHaveLength(1)
  })

  test("a start with a bad file goes on with the one of before", async () => {
    const { url, count } = await receiver()
    write(url)
    await end(await open())
    writeFileSync(file, "nonsense: 1\n")
    await open()
    expect(actions()).toEqual(["alerts.loaded", "alerts.refused", "alerts.loaded"])
    log.append(denied, "w")
    await count(1)
  })

  test("a secret that cannot be used refuses the file", async () => {
    const text = 'webhooks: [{ name: w, url: "https://a.example/", secret: missing.key }]\n'
    writeFileSync(file, text)
    await open()
    expect(log.own()[0]?.data.error).toMatch(/webhook w: .*missing\.key/)
  })

  test("says where it begins anew if what it kept is damaged or of another log", async () => {
    const { url } = await receiver()
    write(url)
    await end(await open())
    writeFileSync(join(directory, "state", "alerts.json"), "{")
    await end(await open())
    log = new SmallLog()
    log.append({ action: "postern.started" })
    await open()
    expect(log.own()[0]?.data).toMatchObject({ by: "lost", from: 1 })
  })

  test("says that it is behind, and when it has caught up", async () => {
    const { url } = await receiver()
    write(url)
    await end(await open())
    for (let at = 0; at < 250; at++) log.append({ action: "a.b" }, "w", Date.now() - 3_600_000)
    await open()
    await wrote("alerts.caught-up")
    const own = log.own().filter(({ action }) => action.startsWith("alerts."))
    expect(own.map(({ action }) => action)).toEqual([
      ...["alerts.loaded", "alerts.loaded", "alerts.behind", "alerts.caught-up"],
    ])
    expect(own[2]?.data).toMatchObject({ seconds: expect.any(Number) })
  })

  test("says once that it cannot read, and goes on where it was", async () => {
    const { url, count } = await receiver()
    write(url)
    await open()
    log.broken = new Error("input/output error")
    const index = log.append(denied, "w")
    await wrote("alerts.behind")
    log.broken = undefined
    await count(1)
    expect(actions().filter((action) => action === "alerts.behind")).toHaveLength(1)
    expect(log.own().find(({ action }) => action === "alert.raised")?.data).toMatchObject({
      first: index,
    })
  })

  test("reads every entry once, and an opening for its writer", async () => {
    const { url } = await receiver()
    write(url)
    await open()
    log.reads.length = 0
    for (let at = 0; at < 500; at++) log.append({ action: "a.b" }, `w${at % 3}`)
    const { size } = log.head()
    await vi.waitFor(() => expect(log.reads.includes(size - 1)).toBe(true), waiting)
    expect(log.reads.length).toBeLessThan(size + 10)
  })

  test("knows the writers of before", async () => {
    const alert = "alerts: [{ name: new, watch: new-writer }]\n"
    writeFileSync(file, alert)
    log.append(denied, "old")
    await open()
    const again = { writer: "old", from: "127.0.0.1:10", stream: "t" }
    log.append({ action: "postern.stream.opened", data: again })
    log.append(denied, "new")
    await wrote("alert.raised")
    expect(log.own().at(-1)?.data).toMatchObject({ of: "new" })
  })
})

describe("the test button", () => {
  test("sends what is marked as a test, and says what was answered", async () => {
    const { url, messages } = await receiver((_, response) => response.writeHead(202).end("thanks"))
    write(url)
    const watch = await open()
    expect(await watch.test("denied", "operator")).toEqual([
      { webhook: "pager", status: 202, answer: "thanks" },
    ])
    expect(messages()).toMatchObject([{ type: "test", alert: "denied", state: "test" }])
    await wrote("alert.tested")
    expect(log.own().at(-1)?.data).toMatchObject({ alert: "denied", asker: "operator" })
  })

  test("is refused for what is no alert, tells nobody, or is pressed too often", async () => {
    const { url, received } = await receiver()
    write(url)
    const watch = await open()
    for (const name of ["x", undefined, {}, "__proto__"]) {
      await expect(watch.test(name, "reader")).rejects.toMatchObject({ code: "REQUEST_INVALID" })
    }
    for (let at = 0; at < 6; at++) await watch.test("denied", "reader")
    await expect(watch.test("denied", "reader")).rejects.toMatchObject({ code: "OVERLOADED" })
    expect(received).toHaveLength(6)
  })
})
