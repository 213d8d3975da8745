/**
 * The built SDK as an application has it, without TypeScript and without a test framework: what must hold on the oldest Node that
 * @postern/client promises to run on. `node --test test/sdk-node20.mjs`, after `npm run build`.
 */
import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { request } from "node:http"
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
const nextTurn = () => new Promise((resolve) => setImmediate(() => resolve()))
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

test("every door of the package opens", async () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", built)))
  const doors = Object.keys(manifest.exports).map((door) => `@postern/client${door.slice(1)}`)
  assert.ok(doors.includes("@postern/client/fastify"))
  for (const door of doors) assert.ok(Object.keys(await import(door)).length > 0, door)
})

test("each of many interleaved requests is written with its own context, whatever writes it", async () => {
  const { runInContext } = await import("@postern/client/context")
  const { actions, withAudit } = await import("@postern/client/actions")
  const { AuditTransport } = await import("@postern/client/winston")
  const { AuditLogProcessor } = await import("@postern/client/otel")
  port.entries.length = 0
  const audit = await open()
  const act = actions(audit)
  const transport = new AuditTransport({ audit })
  const processor = new AuditLogProcessor({ audit })
  const ask = (target) => async () => {
    await withAudit(audit, "thing.send", { target }, nextTurn)
    act.read(target)
    transport.write({ level: "info", message: "", audit: { action: "thing.log", target } })
    const attributes = { "audit.action": "thing.emit", "audit.target": target }
    processor.onEmit({ hrTime: [1, 0], attributes })
  }
  const numbers = Array.from({ length: 20 }, (_, i) => i)
  await Promise.all(numbers.map((i) => runInContext({ actor: `u${i}` }, ask(`thing/${i}`))))
  await audit.flush()
  await audit.close()
  const events = port.entries.map(({ event }) => JSON.parse(event))
  assert.equal(events.length, 5 * numbers.length)
  for (const { actor, targets } of events) assert.equal(actor.id, `u${targets[0].id}`)
})

/** Its body comes some time after its head, so that it is read in a turn of its own. */
async function post(number, user) {
  const headers = { "x-user": user, "content-type": "application/json", connection: "close" }
  const asked = request({ port: number, host: "localhost", method: "POST", headers })
  const answered = once(asked, "response")
  asked.flushHeaders()
  for (const piece of ['{"n', '":', "7}"]) {
    await new Promise((written) => asked.write(piece, () => written()))
    await nextTurn()
  }
  asked.end()
  const [response] = await answered
  response.resume()
  await once(response, "close")
}

test("a request to an Express app and one to a Fastify app are events", async () => {
  const { default: express } = await import("express")
  const { default: fastify } = await import("fastify")
  const { auditContext, audited } = await import("@postern/client/express")
  const plugin = await import("@postern/client/fastify")
  port.entries.length = 0
  const audit = await open()
  const said = (request) => ({ actor: request.headers["x-user"] })
  const app = express()
  app.use(auditContext(said))
  app.use(express.json())
  app.post("/", audited(audit, "thing.read"), ({ body }, response) => {
    audit("thing.write", { data: body })
    response.sendStatus(204)
  })
  const server = app.listen(0)
  await once(server, "listening")
  const other = fastify()
  await other.register(plugin.auditRequests, { audit, context: said })
  other.post("/", { config: plugin.audited("thing.read") }, async ({ body }) => {
    audit("thing.write", { data: body })
    return {}
  })
  await other.listen({ port: 0 })
  const numbers = [server.address().port, other.server.address().port]
  for (const number of numbers) await post(number, "alice")
  await Promise.all([other.close(), new Promise((done) => server.close(done))])
  await audit.close()
  const events = port.entries.map(({ event }) => JSON.parse(event))
  const asked = events.map(({ action, actor }) => `${action} ${actor.id}`)
  const both = ["thing.write alice", "thing.read alice"]
  assert.deepEqual(asked, [...both, ...both])
  assert.equal(events[2].data.n, 7)
})

test("nothing went wrong that was not meant to", () => {
  assert.deepEqual([...new Set(problems)], ["UNREACHABLE"])
})
