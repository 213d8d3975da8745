import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { parseAccess } from "../access/index.ts"
import { dataDirectories, readTextFile } from "../config/index.ts"
import { issueCertificate } from "../guard/pki/index.ts"
import { type Installation, initDirectory } from "../guard/setup/index.ts"
import { adminClient, isNotRunning } from "./admin-client.ts"
import { listenAsPort } from "./admin-server.test.support.ts"
import { applyAccess } from "./live-access.ts"

const base = mkdtempSync(join(tmpdir(), "postern-admin-"))
let made: Installation
let server: { close(): Promise<void> } | undefined

beforeAll(async () => {
  made = await initDirectory({ directory: join(base, "a") })
})
afterEach(async () => {
  await server?.close()
  server = undefined
})
afterAll(() => rmSync(base, { recursive: true }))

const operator = () => loadProfile(made.profiles.operator)

async function refusal(act: Promise<unknown>): Promise<PosternError> {
  try {
    await act
  } catch (error) {
    expect(error).toBeInstanceOf(PosternError)
    return error as PosternError
  }
  throw new Error("it was taken")
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

const digests = { digest: "0".repeat(64), policy: "1".repeat(64) }
const digestOnDisk = () => parseAccess(readTextFile(made.config.access)).digest

describe("the admin client", () => {
  test("asks over the socket and gives the answers", async () => {
    const seen: string[] = []
    server = await listenAsPort(made.config, (request, response) => {
      seen.push(`${request.method} ${request.url}`)
      json(response, 200, request.url === "/v1/status" ? { ready: true } : digests)
    })
    const client = adminClient(operator())
    expect(await client.status()).toEqual({ ready: true })
    expect(await client.reload()).toEqual(digests)
    expect(seen).toEqual(["GET /v1/status", "POST /v1/reload"])
  })

  test("knows a service that is not running from one that is odd", async () => {
    const error = await refusal(adminClient(operator()).status())
    expect(error.code).toBe("UNREACHABLE")
    expect(isNotRunning(error)).toBe(true)
    server = await listenAsPort(made.config, (_request, response) => response.end("hello"))
    const odd = await refusal(adminClient(operator()).status())
    expect(odd.code).toBe("UNREACHABLE")
    expect(isNotRunning(odd)).toBe(false)
  })

  test.each([
    ["a problem with a code of ours", 403, { code: "NOT_GRANTED" }, "NOT_GRANTED"],
    ["a list that is refused", 500, { code: "ACCESS_INVALID" }, "ACCESS_INVALID"],
    ["a problem with a foreign code", 500, { code: "toString" }, "UNREACHABLE"],
    ["a bare denial", 403, {}, "NOT_GRANTED"],
    ["an answer without digest", 200, {}, "UNREACHABLE"],
    ["a digest that is none", 200, { digest: "abc" }, "UNREACHABLE"],
  ])("%s is told as what it is", async (_name, status, body, code) => {
    server = await listenAsPort(made.config, (_request, response) => json(response, status, body))
    expect((await refusal(adminClient(operator()).reload())).code).toBe(code)
  })

  test("tells what the service says is wrong, once", async () => {
    const title = new PosternError("ACCESS_INVALID", "line 3: no").message
    server = await listenAsPort(made.config, (_request, response) =>
      json(response, 500, { code: "ACCESS_INVALID", title }),
    )
    const error = await refusal(adminClient(operator()).reload())
    expect([error.detail, error.message]).toEqual(["line 3: no", title])
  })

  test("talks to nobody but the server that the profile demands", async () => {
    const authority = {
      certificate: readTextFile(made.config.pki.ca),
      key: readTextFile(made.config.pki.caKey ?? ""),
    }
    const id = "spiffe://postern.local/writer/app"
    const now = new Date()
    const other = await issueCertificate({ authority, id, usage: "both", now })
    let asked = 0
    const answer = () => {
      asked++
    }
    server = await listenAsPort(made.config, answer, other)
    const error = await refusal(adminClient(operator()).status())
    expect(error.code).toBe("TLS_HANDSHAKE")
    expect(error.detail).toContain(id)
    expect(asked).toBe(0)
  })

  test("is refused without a certificate of the CA, and says what that may mean", async () => {
    const stranger = await initDirectory({ directory: join(base, "b") })
    const { certificate, key } = loadProfile(stranger.profiles.operator)
    server = await listenAsPort(made.config, (_request, response) => json(response, 200, {}))
    const error = await refusal(adminClient({ ...operator(), certificate, key }).status())
    expect(["UNREACHABLE", "TLS_HANDSHAKE"]).toContain(error.code)
    expect(isNotRunning(error)).toBe(false)
  })

  test("does not wait for ever, nor read without end", async () => {
    server = await listenAsPort(made.config, () => undefined)
    const late = await refusal(adminClient(operator(), { timeoutMs: 50 }).status())
    expect(late.detail).toContain("in time")
    await server.close()
    const chunk = Buffer.alloc(1_048_576, 32)
    server = await listenAsPort(made.config, (_request, response) => {
      for (let i = 0; i < 33; i++) response.write(chunk)
      response.end()
    })
    expect((await refusal(adminClient(operator()).status())).detail).toContain("too long")
  })

  test("takes an operator's profile only", async () => {
    expect(() => adminClient(loadProfile(made.profiles.writer))).toThrow("an operator's is needed")
  })
})

describe("a changed access list", () => {
  test("holds at the next start if the service is not running", async () => {
    expect(await applyAccess({ config: made.config })).toBe("at-start")
  })

  test("is live once the reader has said so too, and not before", async () => {
    const { readerAccess } = dataDirectories(made.config)
    mkdirSync(dirname(readerAccess), { recursive: true })
    writeFileSync(readerAccess, JSON.stringify({ digest: "old" }))
    let answered = false
    server = await listenAsPort(made.config, (_request, response) => {
      json(response, 200, { ...digests, digest: digestOnDisk() })
      answered = true
    })
    expect(await applyAccess({ config: made.config, timeoutMs: 120 })).toBe("port")
    answered = false
    let done = false
    const applied = applyAccess({ config: made.config }).finally(() => {
      done = true
    })
    await expect.poll(() => answered, { timeout: 10_000 }).toBe(true)
    expect(done).toBe(false)
    writeFileSync(readerAccess, '{"dig')
    writeFileSync(readerAccess, JSON.stringify({ digest: digestOnDisk() }))
    expect(await applied).toBe("live")
  })

  test("that the service does not work by is an error", async () => {
    server = await listenAsPort(made.config, (_request, response) => json(response, 200, digests))
    expect((await refusal(applyAccess({ config: made.config }))).code).toBe("ACCESS_INVALID")
  })

  test("is unknown where there is no operator's profile, unless one is named", async () => {
    const { config, profiles } = await initDirectory({ directory: join(base, "c") })
    rmSync(profiles.operator)
    expect(await applyAccess({ config })).toBe("unknown")
    const named = applyAccess({ config, profile: profiles.operator })
    expect((await refusal(named)).code).toBe("PROFILE_INVALID")
  })
})
