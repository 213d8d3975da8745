import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { accessText, bodyOf, openReading } from "./reader.test.support.ts"

const auditor = { path: "reader/auditor" }
const monitor = { path: "reader/monitor", see: "monitor" } as const

describe("the read process over TLS", () => {
  let reading: Awaited<ReturnType<typeof openReading>>
  beforeAll(async () => {
    reading = await openReading([auditor, monitor])
    reading.log.fill(300)
    await reading.log.publish()
  })
  afterAll(() => reading.close())

  test.each([
    ["/checkpoint", 200, 200],
    ["/tile/0/000", 200, 200],
    ["/tile/entries/000", 403, 200],
    ["/v1/entries?limit=3", 403, 200],
    ["/v1/entries/7", 403, 200],
    ["/v1/search?q=action:invoice.*", 403, 200],
    ["/v1/proof/inclusion?index=1&size=9", 200, 200],
    ["/v1/proof/consistency?from=1&to=9", 200, 200],
    ["/v1/status", 200, 200],
    ["/openapi.json", 200, 200],
    ["/nowhere", 404, 404],
  ])("answers %s to a monitor with %i and to an auditor with %i", async (path, low, high) => {
    for (const [as, status] of [
      [monitor.path, low],
      [auditor.path, high],
    ] as const) {
      const answer = await reading.ask(path, as)
      expect(answer.statusCode).toBe(status)
      expect((await bodyOf(answer)).length).toBeGreaterThan(0)
    }
  })

  test("lets nobody in who is not on the list, and says so to the operator", async () => {
    await expect(reading.ask("/v1/status", "reader/stranger").then(bodyOf)).rejects.toThrow()
    await vi.waitFor(() => expect(reading.lines.join()).toContain("reader/stranger"), 10_000)
    expect(reading.lines.join()).toContain("NOT_GRANTED")
  })

  test("takes nothing, whatever the method", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await reading.ask("/v1/entries", auditor.path, method)
      expect(answer.statusCode).toBe(405)
      await bodyOf(answer)
    }
  })

  test("tails live: an entry is there as soon as it is durable", async () => {
    const answer = await reading.ask("/v1/tail", auditor.path)
    expect(answer.headers["content-type"]).toBe("text/event-stream")
    let text = ""
    answer.on("data", (chunk) => {
      text += String(chunk)
    })
    await vi.waitFor(() => expect(text).toContain("id: "), 10_000)
    reading.log.append([{ action: "live.event" }])
    await vi.waitFor(() => expect(text).toContain("live.event"), 10_000)
    await reading.log.publish()
    await vi.waitFor(() => expect(text).toContain("event: checkpoint"), 10_000)
    answer.destroy()
  })

  test("keeps its records while the port is away: they are in the spool on disk", async () => {
    const question = "/v1/search?q=what-nobody-else-asks"
    await bodyOf(await reading.ask(question, auditor.path))
    const found = spoolText(reading.directory)
    expect(found).toContain(question)
    expect(found).toContain('"action":"postern.read"')
    expect(found).toContain('"id":"spiffe://postern.test/reader/auditor"')
  })
})

function spoolText(directory: string): string {
  const spool = `${directory}/data/state/reader/spool`
  const files = readdirSync(spool, { withFileTypes: true }).filter((one) => one.isFile())
  return files.map(({ name }) => readFileSync(join(spool, name), "latin1")).join("")
}

describe("the access list", () => {
  let reading: Awaited<ReturnType<typeof openReading>>
  beforeAll(async () => {
    reading = await openReading([auditor, monitor])
  })
  beforeEach(async () => {
    reading.file("access.yaml", accessText([auditor, monitor]))
    expect(await reading.process.reload()).toBe(true)
  })
  afterAll(() => reading.close())

  const digest = () => JSON.parse(readFileSync(reading.readerAccess, "utf8")).digest as string
  /** As the port does it: it reads the changed file, and says so in the log. */
  const changeList = (text: string) => {
    reading.file("access.yaml", text)
    reading.log.append([{ action: "postern.access.loaded", data: { digest: "" } }])
  }

  test("in force is reported from the start", async () => {
    expect(digest()).toMatch(/^[0-9a-f]{64}$/)
    await vi.waitFor(() => {
      expect(spoolText(reading.directory)).toContain("postern.access.applied")
    }, 10_000)
  })

  test("is taken over when the log says that the port has done so", async () => {
    const before = digest()
    changeList(accessText([monitor, { path: "reader/second" }]))
    await vi.waitFor(() => expect(digest()).not.toBe(before), 10_000)
    const answer = await reading.ask("/v1/status", "reader/second")
    expect(JSON.parse(await bodyOf(answer))).toMatchObject({ see: "auditor", access: digest() })
  })

  test("is not taken over before the port has", async () => {
    const before = digest()
    reading.file("access.yaml", accessText([monitor]))
    reading.log.fill(10)
    for (let ticks = 0; ticks < 3; ticks++) {
      await bodyOf(await reading.ask("/v1/status", auditor.path))
    }
    expect(digest()).toBe(before)
    reading.log.append([{ action: "postern.access.loaded" }])
    await vi.waitFor(() => expect(digest()).not.toBe(before), 10_000)
  })

  test("that ends a grant ends its tails at once", async () => {
    const answer = await reading.ask("/v1/tail", auditor.path)
    answer.on("error", () => undefined)
    answer.resume()
    changeList(accessText([monitor]))
    await new Promise((resolve) => answer.once("close", resolve))
  })

  test("that is not acceptable changes nothing", async () => {
    const before = digest()
    changeList("identities: nonsense")
    await vi.waitFor(() => expect(reading.lines.join()).toContain("stays in force"), 10_000)
    expect(digest()).toBe(before)
    const answer = await reading.ask("/v1/status", auditor.path)
    expect(answer.statusCode).toBe(200)
    await bodyOf(answer)
    changeList(accessText([monitor]))
    await vi.waitFor(() => expect(digest()).not.toBe(before), 10_000)
  })

  test("is read again when the process is told to", async () => {
    const before = digest()
    reading.file("access.yaml", accessText([monitor]))
    expect(await reading.process.reload()).toBe(true)
    expect(digest()).not.toBe(before)
  })

  test("is reported as it is in force when several changes follow each other at once", async () => {
    for (let round = 0; round < 20; round++) {
      reading.file("access.yaml", accessText([auditor]))
      const first = reading.process.reload()
      reading.file("access.yaml", accessText([auditor, { path: `reader/r${round}` }]))
      const last = reading.process.reload()
      expect(await Promise.all([first, last])).toEqual([true, true])
      const answer = await reading.ask("/v1/status", auditor.path)
      expect(JSON.parse(await bodyOf(answer))).toMatchObject({ access: digest() })
    }
  })
})
