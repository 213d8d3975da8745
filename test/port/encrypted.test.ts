import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { openSegmentKeys } from "../../packages/server/dist/disclosures/index.js"
import {
  followLog,
  lendSegmentKeys,
  listCompressed,
} from "../../packages/server/dist/disk/index.js"
import { verifyDirectory } from "../../packages/server/dist/guard/verify/index.js"
import { eventText } from "../support/events.ts"
import { ask } from "../support/http-client.ts"
import { Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"

const packMsMax = 60_000
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function entriesWith(log: string, id: string): Promise<number> {
  const view = await followLog(log)
  const leaves = await view.leaves(0, view.head().size)
  await view.close()
  return leaves.filter((leaf) => Buffer.from(leaf).includes(`"${id}"`)).length
}

test("a port encrypts what it seals from the day on which it is told, and opens it in every life", async () => {
  const installation = await Installation.make()
  undo.push(() => installation.remove())
  const { log, configFile } = installation
  const sealing = join(installation.directory, "sealing")
  const app = await installation.writer("app")
  const start = async (): Promise<PortProcess> => {
    const started = await startPort(configFile, { shortSegments: true })
    undo.push(() => (started.isAlive ? started.end("SIGKILL") : undefined))
    return started
  }
  let port = await start()
  const post = (body: string) => ask(port.write, installation.ca.certificate, app, { body })
  const names = (suffix: string) =>
    readdirSync(join(log, "segments")).filter((name) => name.endsWith(suffix))
  /** Fills one more segment, and waits until every sealed one is compressed. */
  const sealOne = async () => {
    const before = names(".start").length
    while (names(".start").length === before) {
      const body = `[${Array.from({ length: 60 }, () => eventText()).join()}]`
      expect((await post(body)).status).toBe(200)
    }
    const done = () => names(".segz").length === names(".start").length - 1
    await until(() => (done() ? true : undefined), packMsMax, "the compression")
    return (await listCompressed(log)).at(-1)?.kid
  }
  expect(await sealOne()).toBe(undefined)
  expect(await port.end("SIGTERM")).toBe(0)

  appendFileSync(configFile, "encryption: segments\n")
  port = await start()
  const known = eventText()
  expect((await post(known)).status).toBe(200)
  const kid = await sealOne()
  expect(kid).toMatch(/^[0-9a-f]{8}$/)
  expect((await listCompressed(log))[0]?.kid).toBe(undefined)
  expect(await port.end("SIGKILL")).toBe(null)

  // The next life recognises what stands in an encrypted segment; also one that encrypts no more.
  writeFileSync(
    configFile,
    readFileSync(configFile, "utf8").replace("\nencryption: segments\n", "\n"),
  )
  port = await start()
  expect((await post(known)).status).toBe(200)
  expect(await sealOne()).toBe(undefined)
  expect(await port.end("SIGTERM")).toBe(0)
  const key = join(sealing, "segments.key")
  const clear = await verifyDirectory(log, { full: true, vkey: installation.vkey })
  expect(clear).toMatchObject({ verified: false, findings: [] })
  const takeBack = lendSegmentKeys(openSegmentKeys(sealing))
  undo.push(takeBack)
  expect(await entriesWith(log, JSON.parse(known).id)).toBe(1)
  expect(await verifyDirectory(log, { full: true, vkey: installation.vkey })).toMatchObject({
    ...{ verified: true, findings: [] },
  })

  // A key that is away keeps nobody from writing on.
  renameSync(key, `${key}.away`)
  port = await start()
  const isSaid = () =>
    port.said().includes("segments are encrypted under keys that are not here") || undefined
  await until(isSaid, packMsMax, "the port's word of it")
  expect((await post(eventText())).status).toBe(200)
  expect(await port.end("SIGTERM")).toBe(0)
  // To encrypt on under another one would be in its way when it comes back.
  appendFileSync(configFile, "encryption: segments\n")
  await expect(start()).rejects.toThrow(`${key} is missing`)
  renameSync(`${key}.away`, key)
}, 180_000)
