import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { parseConfig } from "../config/index.ts"
import { openHeartbeat } from "./heartbeat.ts"

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** Answers everything with the status that `answer` gives, and keeps what it was told. */
async function serve(answer: () => number): Promise<{ port: number; bodies: string[] }> {
  const bodies: string[] = []
  const server: Server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    bodies.push(body)
    response.writeHead(answer()).end()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  ends.push(() => server.close().closeAllConnections())
  return { port: (server.address() as AddressInfo).port, bodies }
}

function configOf(ops: number, outside: number | undefined) {
  const directory = mkdtempSync(join(tmpdir(), "postern-heartbeat-"))
  ends.push(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, "data/log"), { recursive: true })
  const root = Buffer.alloc(32).toString("base64")
  const signature = Buffer.alloc(68).toString("base64")
  const note = `postern.local/audit\n7\n${root}\n\n— postern.local/audit ${signature}\n`
  writeFileSync(join(directory, "data/log/checkpoint"), note)
  const url = `http://127.0.0.1:${outside}/secret`
  const heartbeat = outside === undefined ? "" : `heartbeat: { url: "${url}", everySeconds: 5 }\n`
  const text = `origin: postern.local/audit
listen: { write: ["127.0.0.2:3"], read: ["127.0.0.2:4"], ops: ["127.0.0.1:${ops}"] }
data: data
access: access.yaml
${heartbeat}pki:
  { ca: a, certificate: b, key: c, logKey: d, receiptKey: e, reader: { certificate: f, key: g } }
`
  return parseConfig(text, join(directory, "postern.yaml"))
}

/** What it says first. */
function firstWord(config: ReturnType<typeof configOf>): Promise<{ state: string }> {
  return new Promise((resolve) => {
    const heartbeat = openHeartbeat({
      config,
      tell: (_level, _message, more) => resolve(more as { state: string }),
    })
    ends.push(() => void heartbeat?.close())
  })
}

test("while the port is ready, size and age of the newest checkpoint go to the address", async () => {
  const ops = await serve(() => 200)
  const outside = await serve(() => 204)
  expect(await firstWord(configOf(ops.port, outside.port))).toEqual({ state: "taken" })
  const [body = ""] = outside.bodies
  const said = JSON.parse(body) as { ageSeconds: number }
  expect(said).toEqual({ origin: "postern.local/audit", size: 7, ageSeconds: said.ageSeconds })
  expect(said.ageSeconds).toBeGreaterThanOrEqual(0)
  expect(said.ageSeconds).toBeLessThan(60)
})

test("nothing is sent for a port that is not ready, or does not answer", async () => {
  const ops = await serve(() => 503)
  const outside = await serve(() => 200)
  const { state } = await firstWord(configOf(ops.port, outside.port))
  expect(state).toBe("withheld: the port is not ready")
  const { state: dead } = await firstWord(configOf(1, outside.port))
  expect(dead).toMatch(/^failed: /)
  expect(outside.bodies).toEqual([])
})

test("an address that refuses or is not there is said, and its secret is not", async () => {
  const ops = await serve(() => 200)
  const outside = await serve(() => 404)
  const refused = await firstWord(configOf(ops.port, outside.port))
  expect(refused.state).toBe("refused with status 404")
  const gone = await firstWord(configOf(ops.port, 1))
  expect(gone.state).toMatch(/^failed: .*ECONNREFUSED/)
  expect(gone.state).not.toContain("secret")
})

test("without an address there is no heartbeat, and a bad one is refused", () => {
  const unset = configOf(1, undefined)
  expect(openHeartbeat({ config: unset, tell: () => undefined })).toBeUndefined()
  const config = (heartbeat: string) => () =>
    parseConfig(`origin: a/b\ndata: d\naccess: a\nheartbeat: ${heartbeat}\npki: {}\n`, "/x.yaml")
  expect(config('{ url: "ftp://a/b" }')).toThrow("heartbeat.url")
  expect(config('{ url: "https://a/b", everySeconds: 0 }')).toThrow("heartbeat.everySeconds")
})
