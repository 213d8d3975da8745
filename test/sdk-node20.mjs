/**
 * The built SDK as an application has it, without TypeScript and without a test framework: what must hold on the oldest Node that
 * @postern/client promises to run on. `node --test test/sdk-node20.mjs`, after `npm run build`.
 */
import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"

const built = new URL("../packages/client/dist/", import.meta.url)
const { connect } = await import(new URL("index.js", built))
const { FakePort } = await import(new URL("writer/fake-port.test.support.js", built))
const { checkReceipt, formatReceiptFile } = await import("@postern/log/evidence")

let port
let directory
const problems = []
const open = () =>
  connect(port.profile(), {
    spool: { directory, bytesMax: 1024 * 1024 },
    onProblem: (problem) => problems.push(problem.code),
  })
const logged = () => port.entries.map(({ event }) => JSON.parse(event).id)

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-sdk-"))
  port = await FakePort.start()
})
after(async () => {
  await port.stop()
  rmSync(directory, { recursive: true })
})

test("an event is written in one line and proven", async () => {
  const audit = await open()
  const id = audit("invoice.deleted", { actor: "alice", target: "invoice/4711" })
  const receipt = await audit.confirm("invoice.sent", { id: "sent", actor: "alice" })
  await checkReceipt(formatReceiptFile(receipt), port.logKey.vkey)
  assert.deepEqual(logged(), [id, "sent"])
  await assert.rejects(open(), { code: "SPOOL_LOCKED" })
  await audit.close()
})

test("what was spooled is delivered after an outage and a restart", async () => {
  port.entries.length = 0
  await port.stop()
  const first = await open()
  const ids = Array.from({ length: 200 }, (_, i) =>
    first("thing.done", { id: `o${i}`, actor: "alice" }),
  )
  await first.spooled()
  await first.close(10)
  await port.listen()
  const second = await open()
  await second.flush()
  assert.deepEqual(logged(), ids)
  await second.close()
})

test("what was spooled survives kill -9", async () => {
  port.entries.length = 0
  const script = fileURLToPath(new URL("writer/kill.test.writer.js", built))
  const child = fork(script, ["0", JSON.stringify(port.profile()), directory])
  let sure = -1
  child.on("message", (i) => {
    sure = i
    if (i > 100) child.kill("SIGKILL")
  })
  await once(child, "exit")
  const audit = await open()
  await audit.flush()
  const ids = logged()
  assert.ok(ids.length > sure)
  assert.deepEqual(
    ids,
    ids.map((_, i) => `0.${i}`),
  )
  await audit.close()
})

test("nothing went wrong that was not meant to", () => {
  assert.deepEqual([...new Set(problems)], ["UNREACHABLE"])
})
