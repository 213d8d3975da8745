import { once } from "node:events"
import { createServer, type RequestListener, type Server } from "node:http"
import { encodeUtf8, formatBase64, formatHex, PosternError, sha256 } from "@postern/log/base"
import { formatCheckpoint, parseAddCheckpoint } from "@postern/log/tlog"
import { afterEach, describe, expect, test } from "vitest"
import { type AskWorld, askWitness, openExchange, type WireAnswer } from "./index.ts"

const origin = "a.example/log"
const line = "— w.example/1 AAAAAAA=\n"
const rootAt = (size: number, byte = size) => new Uint8Array(32).fill(byte)
const noteOf = (size: number, byte = size) =>
  `${formatCheckpoint({ origin, size, root: rootAt(size, byte) })}\n— ${origin} AAAAAAA=\n`
const checkpoint = { note: noteOf(9), size: 9 }
const sizeAnswer = (size: number): WireAnswer => {
  return { status: 409, contentType: "text/x.tlog.size", body: `${size}\n` }
}
const answer = (status: number, body = ""): WireAnswer => {
  return { status, contentType: "text/plain", body }
}

/** A witness that gives these answers to POST, one after the other, and shows this checkpoint. */
function witness(answers: readonly WireAnswer[], shown?: string) {
  const asked: { oldSize: number; proof: string[] }[] = []
  const urls: string[] = []
  const world: AskWorld = {
    origin,
    exchange: async (method, url, body = "") => {
      urls.push(`${method} ${url}`)
      if (method === "GET") return shown === undefined ? answer(404) : answer(200, shown)
      const { oldSize, proof, note } = parseAddCheckpoint(body)
      expect(note).toBe(checkpoint.note)
      asked.push({ oldSize, proof: proof.map(formatBase64) })
      const next = answers[asked.length - 1]
      if (next === undefined)
        throw new PosternError("WITNESS_UNREACHABLE", "no answer within 2000 ms")
      return next
    },
    proof: async (from, to) => [rootAt(from), rootAt(to)],
    root: async (size) => rootAt(size),
  }
  return {
    asked,
    urls,
    ask: (last = 0, of = checkpoint) => askWitness("http://w", of, last, world),
    world,
  }
}

describe("asking a witness", () => {
  test("for the first time sends no proof", async () => {
    const { ask, asked } = witness([answer(200, line)])
    expect(await ask()).toEqual({ outcome: "cosigned", size: 9, lines: line })
    expect(asked).toEqual([{ oldSize: 0, proof: [] }])
  })

  test("learns its size from a 409, and proves from there", async () => {
    const { ask, asked } = witness([sizeAnswer(5), answer(200, line)])
    expect((await ask()).outcome).toBe("cosigned")
    expect(asked).toEqual([
      { oldSize: 0, proof: [] },
      { oldSize: 5, proof: [formatBase64(rootAt(5)), formatBase64(rootAt(9))] },
    ])
  })

  test("that has cosigned this size already sends no proof", async () => {
    const { ask, asked } = witness([sizeAnswer(9), answer(200, line)])
    expect((await ask(4)).outcome).toBe("cosigned")
    expect(asked[1]).toEqual({ oldSize: 9, proof: [] })
  })

  test("that knew more when it was asked last starts with a probe", async () => {
    const { ask, asked } = witness([sizeAnswer(3), answer(200, line)])
    expect((await ask(12)).outcome).toBe("cosigned")
    expect(asked.map(({ oldSize }) => oldSize)).toEqual([0, 3])
  })

  test("gives up after three rounds, or when it does not know its own size", async () => {
    const restless = witness([sizeAnswer(1), sizeAnswer(2), sizeAnswer(3), answer(200, line)])
    expect(await restless.ask()).toEqual({
      outcome: "failed",
      detail: "it names another size each time",
    })
    expect(restless.asked).toHaveLength(3)
    const stubborn = witness([sizeAnswer(0)])
    expect((await stubborn.ask()).outcome).toBe("failed")
    expect(stubborn.asked).toHaveLength(1)
  })

  test("that knows more than is asked about says so, and shows it if it can", async () => {
    const silent = witness([sizeAnswer(12)])
    expect(await silent.ask()).toEqual({ outcome: "larger", size: 12 })
    const showing = witness([sizeAnswer(12)], noteOf(13))
    expect(await showing.ask()).toEqual({ outcome: "larger", size: 12, note: noteOf(13) })
    const hash = formatHex(sha256(encodeUtf8(origin)))
    expect(showing.urls.at(-1)).toBe(`GET http://w/${hash}/checkpoint`)
  })

  test("that refuses for another tree is a contradiction, with what it shows", async () => {
    for (const refusal of [answer(422), answer(409)]) {
      expect(await witness([refusal]).ask()).toEqual({ outcome: "contradiction", size: 9 })
      const other = noteOf(7, 99)
      expect(await witness([refusal], other).ask()).toEqual({
        ...{ outcome: "contradiction", size: 9 },
        note: other,
      })
    }
  })

  test("that refuses, though it shows a checkpoint of this very log, has failed", async () => {
    expect(await witness([answer(422)], noteOf(7)).ask()).toMatchObject({ outcome: "failed" })
  })

  test.each([
    [403, "unknown-log"],
    [404, "unknown-log"],
    [400, "failed"],
    [500, "failed"],
    [302, "failed"],
  ])("that answers %i is %s", async (status, outcome) => {
    const word = await witness([answer(status, "\u001b[31mno")]).ask()
    expect(word.outcome).toBe(outcome)
    expect("detail" in word && word.detail).toContain(`status ${status}, "\\u001b[31mno"`)
  })

  test.each([
    [200, ""],
    [200, "thanks\n"],
    [200, line.repeat(101)],
    [200, "\u0000".repeat(499_999)],
  ])("that answers %i with garbage has failed", async (status, body) => {
    expect(await witness([answer(status, body)]).ask()).toMatchObject({ outcome: "failed" })
  })

  test("that names no size after all, or gives no answer, has failed", async () => {
    const word = await witness([{ ...sizeAnswer(0), body: "nine\n" }]).ask()
    expect(word.outcome).toBe("failed")
    expect(await witness([]).ask()).toMatchObject({ outcome: "failed" })
  })

  test("before there is a checkpoint finds out whether it knows one", async () => {
    const { world } = witness([])
    expect(await askWitness("http://w", undefined, 0, world)).toMatchObject({ outcome: "failed" })
    const knowing = witness([], noteOf(7)).world
    expect(await askWitness("http://w", undefined, 0, knowing)).toEqual({
      ...{ outcome: "larger", size: 7 },
      note: noteOf(7),
    })
  })
})

describe("the wire", () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, "127.0.0.1")
    servers.push(server)
    await once(server, "listening")
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`
  }

  test("carries a request and its answer, and follows no redirect", async () => {
    const url = await serve((request, response) => {
      if (request.method === "GET") return response.writeHead(302, { location: "/x" }).end()
      request.pipe(response.writeHead(200, { "content-type": "a/b" }))
    })
    const { exchange, close } = openExchange(20_000)
    expect(await exchange("POST", url, "old 0\nü")).toEqual({
      ...{ status: 200, contentType: "a/b" },
      body: "old 0\nü",
    })
    expect((await exchange("GET", url)).status).toBe(302)
    close()
  })

  // Whoever answers has time to, however busy the machine is.
  test.each<[name: string, listener: RequestListener, detail: string, ms: number]>([
    ["says nothing", () => undefined, "no answer within 100 ms", 100],
    ["trickles", (_, response) => void response.writeHead(200).write("x"), "within 100 ms", 100],
    ["hangs up", (request) => void request.socket.destroy(), "hang up", 20_000],
    ["says too much", (_, answer) => void answer.end("x".repeat(600_000)), "over 500000", 20_000],
    ["says no text", (_, answer) => void answer.end(Uint8Array.of(255)), "not UTF-8", 20_000],
  ])("ends with a witness that %s", async (_name, listener, detail, ms) => {
    const { exchange, close } = openExchange(ms)
    await expect(exchange("POST", await serve(listener), "x")).rejects.toThrow(detail)
    close()
  })

  test("ends with a witness that is not there", async () => {
    const { exchange, close } = openExchange(20_000)
    await expect(exchange("GET", "http://127.0.0.1:1/")).rejects.toThrow(
      expect.objectContaining({ code: "WITNESS_UNREACHABLE" }),
    )
    close()
  })
})
