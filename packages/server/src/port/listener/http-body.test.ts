import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, request, type Server } from "node:http"
import { deflateRawSync, gzipSync } from "node:zlib"
import { isPosternError, limits } from "@postern/log/base"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { CreditPool } from "../session/index.ts"
import { checkHead, type HttpBody, readBody } from "./http-body.ts"

let server: Server
let handle: (incoming: IncomingMessage) => Promise<string>

beforeAll(async () => {
  server = createServer((incoming, response) => {
    handle(incoming).then(
      (text) => response.end(text),
      (error) => response.end(isPosternError(error) ? error.code : `bug: ${error}`),
    )
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly pool?: CreditPool
  /** Writes the body; default: all of it, with its length. */
  readonly write?: (out: ReturnType<typeof request>) => void
}

/** What the reader of the body made of it, and the pool before it was released. */
async function send(body: Uint8Array, { headers = {}, pool = new CreditPool(), write }: Sent = {}) {
  let found: HttpBody | undefined
  const before = pool.left
  handle = async (incoming) => {
    checkHead(incoming)
    found = await readBody(incoming, pool, { interrupt: undefined })
    return "taken"
  }
  const answer = await new Promise<string>((resolve, reject) => {
    const address = server.address()
    const port = typeof address === "object" ? address?.port : 0
    const out = request({ port, host: "127.0.0.1", method: "POST", headers, agent: false })
    out.once("error", reject)
    out.once("response", (response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.once("end", () => resolve(text))
    })
    if (write === undefined) out.end(body)
    else write(out)
  })
  const held = before - pool.left
  found?.release()
  found?.release() // Once is enough.
  expect(pool.left).toBe(before)
  return { answer, bytes: found?.bytes, held }
}

const gzip = { "content-encoding": "gzip" }
const text = Buffer.from(JSON.stringify({ text: "abc ".repeat(50) }))

function withSize(packed: Buffer, said: number): Buffer {
  const lying = Buffer.from(packed)
  lying.writeUInt32LE(said, lying.length - 4)
  return lying
}

function withCheckSum(packed: Buffer, sum: number): Buffer {
  const wrong = Buffer.from(packed)
  wrong.writeUInt32LE(sum, wrong.length - 8)
  return wrong
}

describe("a body", () => {
  test.each(["identity", "Identity", undefined])("is taken as it is (%s)", async (encoding) => {
    const headers: Record<string, string> =
      encoding === undefined ? {} : { "content-encoding": encoding }
    expect(await send(text, { headers })).toEqual({
      answer: "taken",
      bytes: text,
      held: text.length,
    })
  })

  test("may be empty, or come in many pieces", async () => {
    expect(await send(Buffer.alloc(0))).toMatchObject({ answer: "taken", held: 0 })
    const write: Sent["write"] = (out) => {
      for (const byte of text) out.write(Buffer.of(byte))
      out.end()
    }
    expect(await send(text, { write })).toMatchObject({ answer: "taken", bytes: text })
  })

  test.each(["br", "deflate", "gzip, gzip", "x".repeat(500), "zstd"])(
    "in %s is not taken",
    async (encoding) => {
      expect(await send(text, { headers: { "content-encoding": encoding } })).toMatchObject({
        answer: "HTTP_ENCODING",
      })
    },
  )

  test("that is too large is refused by what it says, and by what comes, and the peer is told", async () => {
    const large = Buffer.alloc(limits.httpBodyBytesMax + 1)
    expect((await send(large)).answer).toBe("HTTP_BODY_TOO_LARGE")
    const chunked: Sent = { headers: { "transfer-encoding": "chunked" } }
    expect((await send(large, chunked)).answer).toBe("HTTP_BODY_TOO_LARGE")
    expect((await send(large.subarray(1), chunked)).answer).toBe("taken")
  })

  test("that finds no room in the pool is refused, and the peer is told", async () => {
    const pool = new CreditPool(100)
    expect((await send(text, { pool })).answer).toBe("OVERLOADED")
    const chunked = { "transfer-encoding": "chunked" }
    expect((await send(text, { pool, headers: chunked })).answer).toBe("OVERLOADED")
    expect((await send(Buffer.alloc(100), { pool })).answer).toBe("taken")
  })

  test("that ends early is nobody's fault but the peer's", async () => {
    const pool = new CreditPool(1000)
    const ended = new Promise((resolve) => {
      handle = async (incoming) => {
        await readBody(incoming, pool, { interrupt: undefined }).then(resolve, resolve)
        return ""
      }
    })
    const address = server.address()
    const port = typeof address === "object" ? address?.port : 0
    const headers = { "content-length": "500" }
    const out = request({ port, host: "127.0.0.1", method: "POST", headers, agent: false })
    out.on("error", () => undefined)
    out.write(Buffer.alloc(100), () => out.destroy())
    expect(await ended).toMatchObject({ code: "HTTP_TIMEOUT", detail: "the body ended early" })
    expect(pool.left).toBe(1000)
  })
})

describe("gzip", () => {
  test("is unpacked; packed and unpacked bytes count until they are released", async () => {
    const packed = gzipSync(text)
    const { answer, bytes, held } = await send(packed, { headers: gzip })
    expect({ answer, bytes }).toEqual({ answer: "taken", bytes: text })
    expect(held).toBe(packed.length + text.length)
    expect((await send(gzipSync(""), { headers: { "content-encoding": "GZIP" } })).answer).toBe(
      "taken",
    )
  })

  test("may have several members", async () => {
    const packed = Buffer.concat([gzipSync(text), gzipSync(text), gzipSync("x")])
    const { bytes } = await send(packed, { headers: gzip })
    expect(bytes).toEqual(Buffer.concat([text, text, Buffer.from("x")]))
  })

  const damaged: [string, Buffer][] = [
    ["is none", Buffer.from("this is not gzip at all")],
    ["is nothing", Buffer.alloc(0)],
    ["is cut off", gzipSync(text).subarray(0, -9)],
    ["lacks its last byte", gzipSync(text).subarray(0, -1)],
    ["has a wrong check sum", withCheckSum(gzipSync(text), 0)],
    ["says that it is shorter", withSize(gzipSync(text), 3)],
    ["says that it is longer", withSize(gzipSync(text), text.length + 1)],
    [
      "is followed by something",
      Buffer.concat([gzipSync(text), Buffer.from("garbage of some bytes")]),
    ],
    ["is deflate", deflateRawSync(text)],
  ]
  test.each(damaged)("that %s is refused", async (_, packed) => {
    expect((await send(packed, { headers: gzip })).answer).toBe("HTTP_BODY_SYNTAX")
  })

  test("that unpacks to more than is allowed is refused, whatever it says of itself", async () => {
    const bomb = gzipSync(Buffer.alloc(limits.httpBodyInflatedBytesMax + 1))
    const dense = gzipSync(Buffer.alloc(200_000)) // More than a hundred times its packed size.
    for (const packed of [bomb, dense]) {
      for (const said of [
        packed,
        withSize(packed, 100),
        withSize(packed, 0),
        withSize(packed, 0xffff_ffff),
      ]) {
        expect((await send(said, { headers: gzip })).answer).toBe("HTTP_BODY_TOO_LARGE")
      }
    }
  })

  test("within gzip is not unpacked", async () => {
    const twice = gzipSync(gzipSync(text))
    expect((await send(twice, { headers: gzip })).bytes).toEqual(gzipSync(text))
  })

  test("gets its room before it is unpacked, or none at all", async () => {
    const plain = randomBytes(20_000)
    const packed = gzipSync(plain)
    const pool = new CreditPool(packed.length + plain.length - 1)
    expect((await send(packed, { headers: gzip, pool })).answer).toBe("OVERLOADED")
    const enough = new CreditPool(packed.length + plain.length)
    expect((await send(packed, { headers: gzip, pool: enough })).answer).toBe("taken")
    // Whoever says that it is less needs room for as much as is allowed.
    const lying = await send(withSize(packed, 10), { headers: gzip, pool: enough })
    expect(lying.answer).toBe("OVERLOADED")
  })
})
