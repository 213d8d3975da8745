import { limits } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { closeAll, event, lastJson, openHttpDoor, post } from "./doors.test.support.ts"

afterEach(closeAll)

const published = { checkpoint: "a note", path: ["a hash"] }

describe("Postern-Wait", () => {
  test("says that the entries are durable", async () => {
    const { enter, waits } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(post(event, ["postern-wait: durable"]))
    expect(lastJson(await comes('"level"'))).toMatchObject({ accepted: 1, level: "durable" })
    expect(waits).toEqual([])
  })

  test("waits for a checkpoint over all that is in the answer, the body given back", async () => {
    const { enter, waits, world, pool } = openHttpDoor()
    world.published = published
    const duplicates = [{ position: 1, index: 3 }]
    world.offers.push({
      kind: "placed",
      first: 7,
      accepted: 2,
      refused: [],
      altered: [],
      duplicates,
    })
    const { far, comes } = await enter()
    far.write(post(`[${event},${event},${event}]`, ["postern-wait: published"]))
    const text = await comes('"level"')
    expect(text).toContain("HTTP/1.1 200")
    expect(lastJson(text)).toMatchObject({ level: "published", published })
    expect(waits).toEqual([{ indexes: [3, 7, 8], withinMs: 10_000 }])
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("that is in vain says what is true: durable, and nothing to send again", async () => {
    const { enter } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(post(event, ["postern-wait: published"]))
    const text = await comes('"level"')
    expect(text).toContain("HTTP/1.1 202")
    expect(lastJson(text)).toMatchObject({ accepted: 1, level: "durable" })
    expect(lastJson(text)).not.toHaveProperty("published")
  })

  test("for something else is refused before the body is read", async () => {
    const { enter, bodies } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(post(event, ["postern-wait: witnessed"]))
    expect(await comes('"code"')).toContain("HTTP/1.1 400")
    expect(bodies).toEqual([])
  })
})

describe("Postern-Seen", () => {
  test("has the answer show the log, with a sample if one is named", async () => {
    const { enter } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(post(event, ["postern-seen: 12", "postern-sample: 7"]))
    const audit = { asked: { seen: 12, sample: 7 } }
    expect(lastJson(await comes('"audit"'))).toMatchObject({ accepted: 1, audit })
  })

  test.each([
    ["postern-seen: -1"],
    ["postern-seen: 1.5"],
    ["postern-seen: 9007199254740992"],
    ["postern-seen: 1", "postern-seen: 2"],
    ["postern-seen: 1", "postern-sample: x"],
    ["postern-sample: 1"],
  ])("is refused before the body as %s %s", async (...headers) => {
    const { enter, bodies } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(post(event, headers))
    expect(await comes('"code"')).toContain("HTTP/1.1 400")
    expect(bodies).toEqual([])
  })
})
