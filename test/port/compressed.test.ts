import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { followLog } from "../../packages/server/dist/disk/index.js"
import { verifyDirectory } from "../../packages/server/dist/guard/verify/index.js"
import { eventText } from "../support/events.ts"
import { ask } from "../support/http-client.ts"
import { Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"

const compressMsMax = 60_000
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function start(installation: Installation): Promise<PortProcess> {
  const port = await startPort(installation.configFile, { shortSegments: true })
  undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
  return port
}

/** A body of events that nobody has sent before. */
function newEvents(): string {
  const events = Array.from({ length: 60 }, () => eventText())
  return `[${events.join()}]`
}

async function leavesOf(log: string): Promise<Buffer[]> {
  const view = await followLog(log)
  const leaves = await view.leaves(view.head().minimum, view.head().size)
  await view.close()
  return leaves.map((leaf) => Buffer.from(leaf))
}

test("a port compresses what it has sealed, beside its work, and every process reads on", async () => {
  const installation = await Installation.make()
  undo.push(() => installation.remove())
  const { log } = installation
  const app = await installation.writer("app")
  let port = await start(installation)
  const post = (what = newEvents()) =>
    ask(port.write, installation.ca.certificate, app, { body: what })
  const names = (): string[] => readdirSync(join(log, "segments")).sort()
  const sealed = () => names().filter((name) => name.endsWith(".start")).length - 1
  const all = (suffix: string): number => names().filter((name) => name.endsWith(suffix)).length
  // The plain form of a segment goes after the compressed one has its name.
  const isCompressed = () => all(".segz") === sealed() && all(".seg") === 1
  while (sealed() < 2) expect((await post()).status).toBe(200)
  const before = await leavesOf(log)
  const held = await followLog(log)
  undo.push(() => held.close())
  await held.leaves(0, 1)
  await until(() => (isCompressed() ? true : undefined), compressMsMax, "the compression")
  const isSaid = () => port.said().includes("a sealed segment was compressed") || undefined
  await until(isSaid, compressMsMax, "the port's word of it")
  expect((await post()).status).toBe(200)
  expect((await leavesOf(log)).slice(0, before.length)).toEqual(before)
  expect((await held.leaves(0, 5)).map((leaf) => Buffer.from(leaf))).toEqual(before.slice(0, 5))
  // The next life remembers what stands in them.
  const known = JSON.parse(eventText())
  expect((await post(JSON.stringify(known))).status).toBe(200)
  const sealedBefore = sealed()
  while (sealed() === sealedBefore) expect((await post()).status).toBe(200)
  await until(() => (isCompressed() ? true : undefined), compressMsMax, "the compression")
  expect(await port.end("SIGKILL")).toBe(null)
  port = await start(installation)
  const again = await post(JSON.stringify(known))
  expect(again.status).toBe(200)
  expect(await port.end("SIGTERM")).toBe(0)
  const ids = (await leavesOf(log)).filter((leaf) => leaf.includes(`"${known.id}"`))
  expect(ids).toHaveLength(1)
  const report = await verifyDirectory(log, { full: true, vkey: installation.vkey })
  expect(report.findings).toEqual([])
  expect(report.verified).toBe(true)
  const packed = names().filter((name) => name.endsWith(".segz"))
  expect(packed.length).toBeGreaterThanOrEqual(2)
  for (const name of packed) {
    expect(
      readFileSync(join(log, "segments", name))
        .subarray(0, 8)
        .toString(),
    ).toBe("postsegz")
  }
}, 120_000)
