import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import pino from "pino"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { runInContext } from "../context/index.ts"
import { formatProfile } from "../profile.ts"
import { Scene } from "../writer/writer.test.support.ts"
import { auditMixin } from "./index.ts"
import { createLineWriter } from "./line-writer.ts"

/** As built: Pino's worker knows no TypeScript. */
const target = fileURLToPath(new URL("../../dist/pino/index.js", import.meta.url))

describe("the transport", () => {
  let scene: Scene
  let profile: string
  beforeEach(async () => {
    scene = await Scene.begin()
    profile = join(scene.directory, "writer.yaml")
    const spool = join(scene.directory, "spool")
    writeFileSync(profile, formatProfile({ ...scene.port.profile(), spool }), { mode: 0o600 })
  })
  afterEach(() => scene.end())

  /** What the log holds when so much is in it. Ending Pino's transport holds up this thread, in which the port lives. */
  async function logged(
    count: number,
    write: (logger: pino.Logger) => void,
    options = {},
  ): Promise<object[]> {
    const silence = { stderr: true } // What its worker says of a port that is gone.
    const transport = pino.transport({ target, worker: silence, options: { profile, ...options } })
    const logger = pino({ mixin: auditMixin(options), base: { app: "shop" } }, transport)
    write(logger)
    const { entries } = scene.port
    while (entries.length < count) await new Promise<void>((next) => setImmediate(() => next()))
    await scene.port.stop()
    transport.end()
    await once(transport, "close")
    return entries.map(({ event }) => JSON.parse(event))
  }

  test("brings marked records into the log, with the context of their request", async () => {
    const entries = await logged(3, (logger) => {
      logger.info("nothing of interest")
      runInContext({ actor: "alice", trace: { requestId: "r" } }, () => {
        logger.info({ audit: { action: "invoice.deleted", target: "invoice/1" } }, "gone")
        logger.child({ part: "x" }).warn({ audit: true, action: "invoice.sent", actor: "bob" })
        logger.info("nothing of interest, and nothing of the context in it")
      })
      logger.error({ audit: { action: "a.b", outcome: "fine" } }, "no event")
    })
    expect(entries).toMatchObject([
      {
        ...{ action: "invoice.deleted", actor: { type: "user", id: "alice" } },
        ...{ targets: [{ type: "invoice", id: "1" }], trace: { requestId: "r" } },
        data: { format: "pino", log: { level: 30, app: "shop", msg: "gone" } },
      },
      { action: "invoice.sent", actor: { id: "bob" }, data: { log: { level: 40, part: "x" } } },
      {
        ...{ action: "log.unreadable", reason: { code: "RECORD_UNREADABLE" } },
        data: { format: "pino", line: expect.stringContaining('"outcome":"fine"') },
      },
    ])
  })

  test("takes records with anything in the place of their context", async () => {
    const contexts = [null, 1, "x", [], { actor: null }, { actor: "a", onBehalfOf: "abc" }]
    const entries = await logged(contexts.length, (logger) => {
      for (const auditContext of contexts) logger.info({ audit: true, action: "a.b", auditContext })
    })
    expect(entries.at(-1)).toMatchObject({ action: "a.b", actor: { id: "a" } })
  })

  test("takes a key and a level of choice, thousands at once, each once", async () => {
    const entries = await logged(
      3001,
      (logger) => {
        for (let i = 0; i < 3000; i++)
          logger.info({ trail: { action: "a.b", actor: "a", data: { i } } })
        logger.fatal("by its level")
        logger.info({ audit: { action: "a.b", actor: "a" } })
      },
      { key: "trail", level: 60 },
    )
    const numbers = entries.map((entry) => (entry as { data: { i?: number } }).data.i)
    expect(numbers).toEqual([...Array.from({ length: 3000 }, (_, i) => i), undefined])
    expect(entries.at(-1)).toMatchObject({
      action: "log.record",
      data: { log: { msg: "by its level" } },
    })
  })
})

test("auditMixin() gives nothing to records that are not marked", () => {
  const mixin = auditMixin()
  runInContext({ actor: "alice" }, () => {
    expect(mixin({ msg: "x" }, 30)).toEqual({})
    expect(mixin({ audit: true }, 30)).toMatchObject({ auditContext: { actor: "alice" } })
  })
  expect(mixin({ audit: true }, 30)).toEqual({})
  const broken = (): never => {
    throw new Error("mine")
  }
  expect(runInContext(broken, () => mixin({ audit: true }, 30))).toEqual({})
})

test("lines are whole, however they come in pieces", async () => {
  const lines: string[] = []
  let ends = 0
  const bytes = Buffer.from('{"a":"ä€😀"}\n\nlong\nlast')
  const writer = createLineWriter(
    (line) => lines.push(line),
    async () => void ends++,
  )
  for (const byte of bytes) writer.write(Buffer.of(byte))
  writer.end()
  await once(writer, "finish")
  expect([lines, ends]).toEqual([['{"a":"ä€😀"}', "long", "last"], 1])
})
