import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { formatProfile } from "@postern/client"
import { limits } from "@postern/log/base"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import {
  createAuthority,
  createSigningKey,
  issueCertificate,
  verifierKey,
} from "../guard/pki/index.ts"
import { ForwardSource } from "./forward-source.ts"
import { HttpSource } from "./http-source.ts"
import { Outbound } from "./outbound.ts"
import type { Source } from "./source.ts"

const mebibyte = 1024 * 1024
const id = "spiffe://a.example/writer/agent"
const address = { host: "127.0.0.1", port: 0 }

let directory: string
let outbound: Outbound
let source: Source
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-full-"))
  const now = new Date()
  const authority = await createAuthority({ trustDomain: "a.example", now })
  const pair = await issueCertificate({ authority, id, usage: "client", now })
  const origin = "a.example/log"
  const profile = formatProfile({
    ...{ role: "writer", id, server: "spiffe://a.example/port", address: "127.0.0.1:1" },
    ...{ source: "host://a", log: { origin, vkey: verifierKey(origin, createSigningKey()) } },
    ...{ ca: authority.certificate, ...pair },
  })
  writeFileSync(join(directory, "writer.yaml"), profile, { mode: 0o600 })
})
afterEach(async () => {
  vi.useRealTimers()
  await source.stop()
  await outbound.close(0)
  rmSync(directory, { recursive: true })
})

/** A spool whose port cannot be reached. */
async function openSpool(bytesMax: number): Promise<void> {
  const spool = { bytesMax, whenFull: "wait" } as const
  const settings = { name: "s", directory, spool, source: "host://a", format: undefined }
  const intake = { kind: "http", address, tls: undefined } as const
  const profile = join(directory, "writer.yaml")
  outbound = await Outbound.open(
    { ...settings, intake, mapping: undefined },
    profile,
    () => undefined,
  )
}

const placeOf = (one: Source): string => String(one.word().places?.[0])

describe("over HTTP", () => {
  async function open(bytesMax: number): Promise<void> {
    await openSpool(bytesMax)
    // Or else the agent itself says that the spool is low, in an event more, once a second is over.
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
    source = new HttpSource({ address, tls: undefined }, outbound)
    await source.start()
  }

  async function post(lines: readonly object[]): Promise<Response> {
    return fetch(`${placeOf(source)}/v1/events`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson", "content-encoding": "gzip" },
      body: gzipSync(lines.map((line) => JSON.stringify(line)).join("\n")),
    })
  }

  it("takes a body whole or not at all, and says when to come again", async () => {
    await open(mebibyte)
    const body = Array.from({ length: 100 }, (_, n) => ({ n, filler: "x".repeat(400) }))
    let taken = 0
    let answer = await post(body)
    while (answer.status === 200) {
      expect(await answer.json()).toEqual({ spooled: 100 })
      taken += 100
      answer = await post(body)
    }
    expect(taken).toBeGreaterThan(100)
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"])
    expect(await answer.json()).toMatchObject({ code: "SPOOL_FULL" })
    expect(outbound.status).toMatchObject({ taken, spooled: taken, dropped: 0 })
    expect(source.word().state).toBe("full")
  })

  it("takes many at the same time whole or not at all", async () => {
    await open(mebibyte)
    const body = Array.from({ length: 100 }, (_, n) => ({ n, filler: "x".repeat(400) }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(body)))
    const good = answers.filter(({ status }) => status === 200).length
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(20 - good)
    expect(outbound.status).toMatchObject({ taken: good * 100, spooled: good * 100, dropped: 0 })
  })

  it("takes bodies that are longer than the writer's memory", async () => {
    await open(256 * mebibyte)
    const body = Array.from({ length: 2_500 }, (_, n) => ({ n, filler: "x".repeat(6_000) }))
    const answers = await Promise.all([post(body), post(body)])
    for (const answer of answers) expect(await answer.json()).toEqual({ spooled: 2_500 })
    expect(outbound.status).toMatchObject({ taken: 5_000, spooled: 5_000, dropped: 0 })
  })

  it("answers a body that is too long once all of it has come, so that its sender gets to the answer", async () => {
    await open(mebibyte)
    const { port, hostname } = new URL(placeOf(source))
    const socket = connect(Number(port), hostname)
    const heard: string[] = []
    socket.on("data", (bytes) => heard.push(bytes.toString()))
    const over = new Promise<boolean>((resolve) => socket.once("close", resolve))
    const rest = 100
    const lines = ["POST /v1/events HTTP/1.1", "host: a", "content-type: application/json"]
    const length = `content-length: ${limits.httpBodyBytesMax + 1 + rest}`
    socket.write(`${[...lines, length, "connection: close"].join("\r\n")}\r\n\r\n`)
    await new Promise((sent) => socket.write(Buffer.alloc(limits.httpBodyBytesMax + 1), sent))
    expect((await fetch(`${placeOf(source)}/elsewhere`)).status).toBe(404)
    expect(heard).toEqual([])
    socket.write(Buffer.alloc(rest))
    const hadError = await over
    expect(heard.join("")).toContain("HTTP_BODY_TOO_LARGE")
    expect(hadError).toBe(false)
  })

  it("does not call spooled what is lost because it can never be taken", async () => {
    await open(64 * mebibyte)
    const answer = await post([{ n: 1 }, { filler: "x".repeat(12 * mebibyte) }])
    expect([answer.status, await answer.json()]).toEqual([200, { spooled: 1, lost: 1 }])
    expect(outbound.status.dropped).toBe(1)
  })
})

describe("over the forward protocol", () => {
  const text = (value: string): Buffer => {
    const head = Buffer.from([0xdb, 0, 0, 0, 0])
    head.writeUInt32BE(Buffer.byteLength(value), 1)
    return Buffer.concat([head, Buffer.from(value)])
  }
  /** [tag, [[0, {m: filler}] …], {chunk}] */
  const message = (records: number, chunk: string): Buffer => {
    const pair = Buffer.concat([Buffer.from([0x92, 0, 0x81]), text("m"), text("x".repeat(400))])
    const many = Buffer.from([0xdc, records >> 8, records & 255])
    const pairs = Array.from({ length: records }, () => pair)
    const option = [Buffer.from([0x81]), text("chunk"), text(chunk)]
    return Buffer.concat([Buffer.from([0x93]), text("t"), many, ...pairs, ...option])
  }

  it("acknowledges what is kept whole, and puts nothing of what it does not acknowledge", async () => {
    await openSpool(mebibyte)
    source = new ForwardSource(address, outbound, undefined)
    await source.start()
    const [, port] = placeOf(source).split(":")
    vi.useFakeTimers({ toFake: ["Date"] })
    const clock = setInterval(() => vi.setSystemTime(Date.now() + 1_000), 20)
    let acks = 0
    for (let isOpen = true; isOpen; ) {
      const socket = connect(Number(port), "127.0.0.1")
      socket.on("error", () => undefined)
      const heard: Buffer[] = []
      const over = new Promise<void>((resolve) => socket.once("close", () => resolve()))
      socket.on("data", (bytes) => {
        heard.push(bytes)
        socket.destroy()
      })
      socket.write(message(100, "c"))
      await over
      isOpen = heard.length > 0
      if (isOpen) acks += 1
    }
    expect(acks).toBeGreaterThan(1)
    clearInterval(clock)
    await outbound.spooled()
    // One more where the agent itself has said that the spool is low.
    const { taken, spooled, dropped } = outbound.status
    expect([taken - (taken % 100), spooled, dropped]).toEqual([acks * 100, taken, 0])
    expect(taken % 100).toBeLessThanOrEqual(1)
  })
})
