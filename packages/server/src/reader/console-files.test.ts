import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, test } from "vitest"
import { openDesk, peerOf } from "./api/api.test.support.ts"
import type { ConsoleFiles } from "./api/index.ts"
import { readConsoleFiles } from "./console-files.ts"

const script = `export const answer = 42 ${"/* long enough to be packed */".repeat(40)}`
let directory: string
let files: ConsoleFiles
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-console-"))
  mkdirSync(join(directory, "assets"))
  mkdirSync(join(directory, "v1"))
  writeFileSync(join(directory, "index.html"), "<!doctype html><title>Postern</title>")
  writeFileSync(join(directory, "favicon.svg"), "<svg/>")
  writeFileSync(join(directory, "assets/index-Dk3f9_aB.js"), script)
  writeFileSync(join(directory, "v1/status"), "not the status")
  files = await readConsoleFiles(directory)
})
afterAll(() => rmSync(directory, { recursive: true }))

const open = (console = files) => {
  const { api, records } = openDesk(undefined, {}, undefined, undefined, undefined, console)
  const ask = (path: string, headers: Record<string, string> = {}, as = "monitor") =>
    api.app.request(path, { headers }, { peer: peerOf(as) })
  return { api, records, ask }
}

test("gives the page to every reader, under a policy that allows nothing foreign and nothing inline", async () => {
  const { ask, api, records } = open()
  for (const as of ["monitor", "auditor"]) {
    const answer = await ask("/", {}, as)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain("<title>Postern</title>")
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8")
    expect(answer.headers.get("cache-control")).toBe("private, no-cache")
    const policy = answer.headers.get("content-security-policy") ?? ""
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe-inline|https?:|\*/)
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
    expect(answer.headers.get("cross-origin-opener-policy")).toBe("same-origin")
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("same-origin")
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
  }
  expect(api.counters.pages).toBe(2)
  expect(records).toEqual([])
  expect((await ask("/", {}, "stranger")).status).toBe(403)
  expect((await ask("/assets/index-Dk3f9_aB.js", {}, "stranger")).status).toBe(403)
})

test("sends packed what is asked for packed, and nothing when the browser has it", async () => {
  const { ask } = open()
  const path = "/assets/index-Dk3f9_aB.js"
  const plain = await ask(path)
  expect(await plain.text()).toBe(script)
  expect(plain.headers.get("content-encoding")).toBeNull()
  expect(plain.headers.get("cache-control")).toBe("private, max-age=31536000, immutable")
  const br = await ask(path, { "accept-encoding": "gzip, deflate, br" })
  expect(br.headers.get("content-encoding")).toBe("br")
  expect(brotliDecompressSync(await br.arrayBuffer()).toString()).toBe(script)
  const zipped = await ask(path, { "accept-encoding": "gzip, br;q=0" })
  expect(zipped.headers.get("content-encoding")).toBe("gzip")
  expect(gunzipSync(await zipped.arrayBuffer()).toString()).toBe(script)
  const etag = plain.headers.get("etag") ?? ""
  const again = await ask(path, { "if-none-match": etag })
  expect([again.status, await again.text()]).toEqual([304, ""])
  expect((await ask(path, { "if-none-match": '"other"' })).status).toBe(200)
})

test.each([
  ["/index.html"],
  ["/assets/"],
  ["/assets"],
  ["/assets/..%2findex.html"],
  ["/assets/../../package.json"],
  ["/%2e%2e/package.json"],
  ["/assets//index-Dk3f9_aB.js"],
  ["//etc/passwd"],
  ["/assets/INDEX-Dk3f9_aB.js"],
  ["/assets/index-Dk3f9_aB.js%00"],
  ["/__proto__"],
])("has nothing at %s", async (path) => {
  const answer = await open().ask(path)
  expect(answer.status).toBe(404)
  expect(answer.headers.get("content-type")).toBe("application/problem+json")
})

test("takes no path from the API, and takes nothing but GET", async () => {
  const { ask, api } = open()
  expect(await (await ask("/v1/status")).json()).toMatchObject({ see: "monitor" })
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await api.app.request("/", { method }, { peer: peerOf("monitor") })
    expect(answer.status).toBe(405)
  }
})

test("says how to build a console that is not there", async () => {
  const { ask } = open(await readConsoleFiles(join(directory, "absent")))
  const answer = await ask("/")
  expect(answer.status).toBe(404)
  expect(await answer.text()).toContain("npm run build:console")
})
