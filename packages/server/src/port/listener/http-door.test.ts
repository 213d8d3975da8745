import { limits } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import {
  arrived,
  closeAll,
  closed,
  event,
  grantOf,
  lastJson,
  openHttpDoor,
  post,
  until,
} from "./doors.test.support.ts"

afterEach(closeAll)

describe("a request", () => {
  test("is answered when everything of it is durable, and others follow on the connection", async () => {
    const { enter, bodies, world, durable, pool } = openHttpDoor()
    world.slow = true
    const { far, comes, text } = await enter()
    far.write(post(event))
    await until(() => durable.length > 0)
    expect(text()).toBe("")
    expect(pool.left).toBe(limits.creditPoolBytes - event.length)
    durable.shift()?.()
    const answer = lastJson(await comes('"certificate"'))
    expect(answer).toMatchObject({
      accepted: 1,
      entries: [{ index: 7, count: 1 }],
      certificate: "certificate",
    })
    world.slow = false
    far.write(post(`[${event},${event}]`))
    await comes('"accepted":2')
    expect(bodies.map(({ adapter, count, changed }) => [adapter, count, changed])).toEqual([
      ["http", 1, 1],
      ["http", 2, 1],
    ])
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("that waits for room is offered again when there is some", async () => {
    const { enter, bodies, world, rooms } = openHttpDoor()
    world.offers.push({ kind: "full", delayMs: 0 })
    const { far, comes } = await enter()
    far.write(post(event))
    await until(() => rooms.length > 0)
    rooms.shift()?.resume()
    await comes('"accepted":1')
    expect(bodies).toHaveLength(2)
  })

  test("of events that are all refused is the problem of the first one", async () => {
    const { enter, world } = openHttpDoor()
    const refused = [{ code: "EVENT_UTF8" as const, positions: [0] }]
    world.offers.push({
      kind: "placed",
      first: 7,
      accepted: 0,
      refused,
      altered: [],
      duplicates: [],
    })
    const { far, comes } = await enter()
    far.write(post(event))
    expect(await comes('"refused"')).toContain("HTTP/1.1 400 Bad Request")
  })
})

describe("a body whose events may grow", () => {
  test.each([
    [false, [5_000]],
    [true, [2_000, 2_000, 1_000]],
  ])("is offered in regions of few events: %s", async (mayGrow, counts) => {
    const { enter, bodies, world } = openHttpDoor()
    world.mayGrow = mayGrow
    const { far, comes } = await enter()
    far.write(post(`[${"{},".repeat(4_999)}{}]`))
    await comes('"accepted":5000')
    expect(bodies.map(({ count }) => count)).toEqual(counts)
  })

  test.each([
    [false, 1_048_576],
    [true, 262_144],
  ])("is offered in short regions: %s", async (mayGrow, bytesMax) => {
    const { enter, bodies, world } = openHttpDoor()
    world.mayGrow = mayGrow
    const { far, comes } = await enter()
    const long = event.replace("{", `{"data":{"x":"${"y".repeat(60_000)}"},`)
    far.write(post(`[${Array.from({ length: 30 }, () => long).join(",")}]`))
    await comes('"accepted":30')
    const lengths = bodies.map(({ region }) => region.length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(bytesMax)
    expect(Math.max(...lengths)).toBeGreaterThan(bytesMax - 65_536)
  })
})

describe("problems", () => {
  type Door = ReturnType<typeof openHttpDoor>
  const bad: [string, string, number, (door: Door) => string][] = [
    ["HTTP_ROUTE", "another path", 404, () => post(event, [], "/v1/entries")],
    ["HTTP_ROUTE", "a path with a query", 404, () => post(event, [], "/?/v1/events")],
    ["HTTP_METHOD", "GET", 405, () => "GET /v1/events HTTP/1.1\r\nhost: p\r\n\r\n"],
    ["HTTP_CONTENT_TYPE", "text", 415, () => post(event).replace("application/json", "text/plain")],
    ["HTTP_ENCODING", "brotli", 415, () => post(event, ["content-encoding: br"])],
    ["HTTP_BODY_SYNTAX", "an open array", 400, () => post(`[${event}`)],
    ["HTTP_BODY_TOO_LARGE", "50,001 events", 413, () => post(`[${"{},".repeat(50_000)}{}]`)],
    [
      "NOT_GRANTED",
      "a grant that has gone",
      403,
      ({ world }) => {
        world.grant = undefined
        return post(event)
      },
    ],
    [
      "ADAPTER_NOT_GRANTED",
      "another adapter",
      403,
      ({ world }) => {
        world.grant = grantOf({ adapters: new Set(["http"]) })
        return post("{}", [], "/v1/kubernetes/audit")
      },
    ],
    [
      "DISK_FULL",
      "a full disk",
      503,
      ({ world }) => {
        world.busy = "DISK_FULL"
        return post(event)
      },
    ],
    [
      "RATE_LIMITED",
      "too many",
      429,
      ({ world }) => {
        world.offers.push({ kind: "full", delayMs: 50 })
        return post(event)
      },
    ],
    [
      "OVERLOADED",
      "an empty pool",
      503,
      ({ pool }) => {
        pool.take(pool.left)
        return post(event)
      },
    ],
  ]
  test.each(bad)("%s for %s", async (code, _, status, say) => {
    const door = openHttpDoor()
    const { far, comes } = await door.enter()
    far.write(say(door))
    const text = await comes(`"code":"${code}"`)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).toContain("content-type: application/problem+json")
    expect(text.includes("retry-after: 1")).toBe(status === 503 || status === 429)
    expect(text.includes("allow: POST")).toBe(code === "HTTP_METHOD")
    expect(lastJson(text)).toMatchObject({ type: "about:blank", status, hint: expect.any(String) })
    expect(door.refused.map((refusal) => refusal.code)).toEqual([code])
    // The connection is as good as before.
    Object.assign(door.world, { grant: grantOf(), busy: undefined })
    if (code === "OVERLOADED") door.pool.give(limits.creditPoolBytes)
    far.write(post(event))
    await comes('"accepted":1')
  })

  test("a drain refuses nobody in the log", async () => {
    const { enter, world, refused } = openHttpDoor()
    world.busy = "SHUTTING_DOWN"
    const { far, comes } = await enter()
    far.write(post(event))
    await comes("SHUTTING_DOWN")
    expect(refused).toEqual([])
  })

  test("a body that breaks gets one, too, also in one piece with a request before it", async () => {
    const { enter, refused } = openHttpDoor()
    const { far, over } = await enter()
    const broken = "POST /v1/events HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n4\r\n"
    far.write(`${post(event)}${broken}{}  zz\r\n`)
    const text = await over()
    expect(text).toContain('"accepted":1')
    expect(lastJson(text)).toMatchObject({ code: "HTTP_BODY_SYNTAX", status: 400 })
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_BODY_SYNTAX"])
  })

  test("what is not HTTP gets one, too, and the end", async () => {
    for (const bytes of [
      "\x16\x03\x01 not http",

      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\0\0\0\0",
    ]) {
      const { enter, refused } = openHttpDoor()
      const { far, over } = await enter()
      far.write(bytes)
      const text = await over()
      expect(text).toMatch(/^HTTP\/1\.1 400 /)
      expect(lastJson(text)).toMatchObject({ code: "HTTP_BODY_SYNTAX", status: 400 })
      expect(refused.map(({ code }) => code)).toEqual(["HTTP_BODY_SYNTAX"])
    }
  })

  const smuggling: [string, string][] = [
    ["a length and chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef"],
    ["a negative length", "content-length: -5\r\n\r\n"],
    ["a strange coding", "transfer-encoding: xchunked\r\n\r\n"],
    ["a bare line feed", "x: y\nz: w\r\n\r\n"],
    ["a space before a colon", "content-length : 5\r\n\r\nabcde"],
    ["a folded line", "x: y\r\n z\r\n\r\n"],
    ["a NUL", "x: a\0b\r\n\r\n"],
    ["too long a header", `x: ${"y".repeat(20_000)}\r\n\r\n`],
  ]
  test.each(smuggling)("a head with %s is refused", async (_, rest) => {
    const { enter, refused, bodies } = openHttpDoor()
    const { far, over } = await enter()
    far.write(`POST /v1/events HTTP/1.1\r\nhost: p\r\n${rest}`)
    expect(await over()).toMatch(/^HTTP\/1\.1 400 /)
    await until(() => refused.length > 0)
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_BODY_SYNTAX"])
    expect(bodies).toEqual([])
  })

  test("a chunk that is none ends the request with its problem, once", async () => {
    const { enter, refused, pool } = openHttpDoor()
    const { far, over } = await enter()
    far.write(
      "POST /v1/events HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n",
    )
    const text = await over()
    expect(lastJson(text)).toMatchObject({
      code: "HTTP_BODY_SYNTAX",
      detail: expect.stringContaining("CHUNK"),
    })
    await until(() => refused.length > 0)
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_BODY_SYNTAX"])
    expect(pool.left).toBe(limits.creditPoolBytes)
  })
})

describe("deadlines", () => {
  const begun = "POST /v1/events HTTP/1.1\r\nhost: p"
  const late: [string, string, string][] = [
    ["nothing at all", "", ""],
    ["half a header", "", begun],
    ["half a header after a request", post(event), begun],
    ["half a header in one piece with a request", post(event) + begun, ""],
  ]
  test.each(late)("a header has its time: %s", async (_, first, then) => {
    // By a real clock, from the connection's beginning: what is sent at once must come within it on a busy machine.
    const headerMs = 1_000
    const { enter, refused, bodies } = openHttpDoor(headerMs)
    const { far, comes, over } = await enter()
    far.write(first)
    if (first !== "") await comes('"accepted":1')
    const start = performance.now()
    far.write(then)
    expect(lastJson(await over())).toMatchObject({ code: "HTTP_TIMEOUT", status: 408 })
    if (then !== "") expect(performance.now() - start).toBeGreaterThan(headerMs * 0.8)
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_TIMEOUT"])
    expect(bodies).toHaveLength(first === "" ? 0 : 1)
  })

  test("a connection that was of use may be silent for longer than a header", async () => {
    const headerMs = 1_000
    const { enter, refused } = openHttpDoor(headerMs)
    const { far, comes } = await enter()
    far.write(post(event))
    await comes('"accepted":1')
    await new Promise((passed) => setTimeout(passed, 1.5 * headerMs))
    far.write(post(event).replace("/v1/events", "/v1/else"))
    await comes("HTTP_ROUTE")
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_ROUTE"])
  })

  test("a body has thirty seconds, however it trickles in", async () => {
    const { enter, deadlines, refused, pool } = openHttpDoor()
    const { port, far, over } = await enter()
    const head = "POST /v1/events HTTP/1.1\r\nhost: p\r\ncontent-length: 100\r\n\r\n"
    far.write(head)
    for (let i = 1; i < 30; i++) {
      far.write("x")
      await arrived(port, head.length + i)
      deadlines.pass(1000)
    }
    expect(port.destroyed).toBe(false)
    deadlines.pass(1000)
    const text = await over()
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(lastJson(text)).toMatchObject({ code: "HTTP_TIMEOUT" })
    await until(() => refused.length > 0)
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_TIMEOUT"])
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("the disk has all the time it needs", async () => {
    const { enter, deadlines, durable, world } = openHttpDoor()
    world.slow = true
    const { far, comes } = await enter()
    far.write(post(event))
    await until(() => durable.length > 0)
    deadlines.pass(3_600_000)
    durable.shift()?.()
    await comes('"accepted":1')
  })

  test("an idle connection has five minutes, and its end is no refusal", async () => {
    const { enter, deadlines, refused } = openHttpDoor()
    const { port, far, comes, over } = await enter()
    far.write(post(event))
    await comes('"accepted":1')
    deadlines.pass(299_999)
    expect(port.destroyed).toBe(false)
    deadlines.pass(1)
    await over()
    expect(refused).toEqual([])
    expect(deadlines.count()).toBe(0)
  })
})

describe("an answer that does not get out", () => {
  test("is waited for ten seconds, and its reader is refused", async () => {
    const { enter, deadlines, refused } = openHttpDoor()
    const { port, far, comes } = await enter()
    far.write(post(event))
    await comes('"accepted":1')
    far.pause()
    // Routes are refused by far longer answers than their requests.
    const many = "GET / HTTP/1.1\r\nhost: p\r\n\r\n".repeat(1000)
    while (port.writableLength === 0) {
      far.write(many)
      await new Promise((turn) => setImmediate(turn))
    }
    refused.length = 0
    deadlines.pass(9_999)
    expect(port.destroyed).toBe(false)
    deadlines.pass(1)
    expect(port.destroyed).toBe(true)
    expect(refused.map(({ code }) => code)).toContain("ANSWERS_UNREAD")
  })
})

describe("a body that is refused unread", () => {
  const head = (bytes: number) => {
    const lines = ["POST /v1/events HTTP/1.1", "host: p", `content-length: ${bytes}`]
    return `${lines.join("\r\n")}\r\n\r\n`
  }

  test("is let pass, so that its sender sees the answer; then the connection goes on", async () => {
    const { enter, refused } = openHttpDoor()
    const { far, comes } = await enter()
    const bytes = limits.httpBodyBytesMax + 1
    far.write(head(bytes))
    await comes("HTTP_BODY_TOO_LARGE")
    for (let left = bytes; left > 0; left -= 65_536) far.write(Buffer.alloc(Math.min(left, 65_536)))
    far.write(post(event))
    await comes('"accepted":1')
    expect(refused).toHaveLength(1)
  })

  test("is let pass also if its sender wants no second answer; then the connection ends", async () => {
    const { enter } = openHttpDoor()
    const { port, far, comes, over } = await enter()
    const bytes = limits.httpBodyBytesMax + 1
    far.write(head(bytes).replace("host", "connection: close\r\nhost"))
    await comes("HTTP_BODY_TOO_LARGE")
    for (let left = bytes; left > 0; left -= 65_536) far.write(Buffer.alloc(Math.min(left, 65_536)))
    await over()
    expect(port.bytesRead).toBeGreaterThan(bytes)
  })

  test("is not waited for longer than ten seconds", async () => {
    const { enter, deadlines, refused } = openHttpDoor()
    const { port, far, comes, over } = await enter()
    far.write(head(limits.httpBodyBytesMax + 1))
    await comes("HTTP_BODY_TOO_LARGE")
    deadlines.pass(9_999)
    expect(port.destroyed).toBe(false)
    deadlines.pass(1)
    await over()
    expect(refused).toHaveLength(1)
  })

  test("is not asked for if its sender has asked first", async () => {
    const { enter, bodies } = openHttpDoor()
    const asking = await enter()
    asking.far.write(head(event.length).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n"))
    await asking.comes("HTTP/1.1 100 Continue")
    asking.far.write(event)
    await asking.comes('"accepted":1')
    expect(bodies).toHaveLength(1)
    const refused = await enter()
    refused.far.write(
      head(limits.httpBodyBytesMax + 1).replace("host", "expect: 100-continue\r\nhost"),
    )
    const text = await refused.over()
    expect(text).not.toContain("100 Continue")
    expect(text).toContain("HTTP_BODY_TOO_LARGE")
  })
})

describe("a peer that goes away", () => {
  test("in the middle of its body is counted once", async () => {
    const { enter, refused, pool, deadlines } = openHttpDoor()
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const { port, far } = await enter()
      const begun = post(event).slice(0, -5)
      far.write(begun)
      await arrived(port, begun.length)
      far[leave]()
      await closed(port)
      await until(() => refused.length > 0)
      expect(refused.splice(0).map(({ code }) => code)).toEqual(["HTTP_TIMEOUT"])
    }
    expect(pool.left).toBe(limits.creditPoolBytes)
    expect(deadlines.count()).toBe(0)
  })

  test("between requests is none of our business", async () => {
    const { enter, refused, deadlines } = openHttpDoor()
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const { port, far, comes } = await enter()
      far.write(post(event))
      await comes('"accepted":1')
      far[leave]()
      await closed(port)
    }
    expect(refused).toEqual([])
    expect(deadlines.count()).toBe(0)
  })

  test("while the disk is at work leaves nothing behind", async () => {
    const { enter, durable, world, pool, deadlines, refused } = openHttpDoor()
    world.slow = true
    const { port, far } = await enter()
    far.write(post(event))
    await until(() => durable.length > 0)
    far.resetAndDestroy()
    await closed(port)
    durable.shift()?.()
    await until(() => pool.left === limits.creditPoolBytes)
    expect(deadlines.count()).toBe(0)
    expect(refused).toEqual([])
  })
})
