/**
 * Other people's parts against a log that this server has written, from Debian's packages: Go's golang.org/x/mod/sumdb (note and
 * tlog) verifies it, and a SoftHSM2 token holds its key. And other people's parts in front of it: PostgreSQL with an outbox, an agent and a
 * server of the MCP SDK, the exporters of OpenTelemetry, rsyslog and syslog-ng. Run it by `npm run test:interop`; on a laptop without them it says so.
 * `--record` writes its figures into docs/assurance.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { formatVkey, parseVkey } from "@postern/log/tlog"
import { recordRun } from "../crash/assurance.ts"
import { checkAgent } from "./agent.ts"
import { checkConnected } from "./connect.ts"
import { GoVerifier, whyNoGo } from "./go-verifier.ts"
import { checkOtlp } from "./otlp.ts"
import { checkOutbox } from "./outbox.ts"
import { postern } from "./port-process.ts"
import { whyNoPostgres } from "./postgresql.ts"
import { writeProofs } from "./proofs.ts"
import { checkPruned } from "./pruned.ts"
import { Results } from "./results.ts"
import { checkRollover } from "./rollover.ts"
import { checkSyslog, whyNoSyslog } from "./syslog.ts"
import { checkTokenSigner, whyNoToken } from "./token-signer.ts"
import { checkToolCalls } from "./tool-calls.ts"
import { type WrittenLog, writeLog } from "./written-log.ts"

const entriesMin = 70_000
/** Around every border at which a tree or its tiles change their shape. */
const sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000]

const results = new Results()
const work = mkdtempSync(join(tmpdir(), "postern-interop-"))

async function main(): Promise<void> {
  results.report.begin("A token (PKCS #11) that holds the log key")
  await part("a log key in a token", whyNoToken, () => checkTokenSigner(results, work))
  await part("Go's verifier", whyNoGo, checkWithGo)
  results.report.begin("An outbox in PostgreSQL, while everything around it is killed")
  await part("an outbox in PostgreSQL", whyNoPostgres, () => checkOutbox(results))
  results.report.begin("OpenTelemetry's exporters, protobuf and JSON, through outages")
  await checkOtlp(results)
  results.report.begin("rsyslog and syslog-ng over mutual TLS, through a restart and a cut")
  await part("syslog over TLS", whyNoSyslog, () => checkSyslog(results, join(work, "syslog")))
  results.report.begin("An agent, killed again and again, and each of its ways in")
  await checkAgent(results)
  results.report.begin("Sources as postern connect configures them")
  await checkConnected(results, work)
  results.report.begin("Tool calls of the MCP SDK")
  await checkToolCalls(results)
}

/** A counterpart that is missing fails the programme in CI; elsewhere it is said, and nothing is checked. */
async function part(
  what: string,
  whyNot: () => Promise<string | undefined>,
  check: () => Promise<void>,
): Promise<void> {
  const reason = await whyNot()
  if (reason === undefined) return check()
  if (process.env.CI === undefined) console.log(`skipped: ${what}: ${reason}`)
  else results.check(false, what, reason)
}

async function checkWithGo(): Promise<void> {
  const go = await GoVerifier.build(results, work)
  results.report.begin("Go's sumdb: a log whose key changes, under two witnesses")
  await checkRollover(go, work)
  results.report.begin("Go's sumdb: a log whose beginning went by its retention rule")
  await checkPruned(results, go, work)
  results.report.begin("Go's sumdb: a log of two lives")
  const log = await writeLog(join(work, "audit"), entriesMin)
  await checkOurselves(log)
  const exported = join(work, "export")
  await checkWhole(go, log, exported)
  for (const size of sizes) await checkPart(go, log, size)
  await checkChanged(go, log, exported)
}

async function checkOurselves(log: WrittenLog): Promise<void> {
  const ran = await postern(["verify", log.directory, "--full", "--json"])
  const report = ran.code === 0 ? JSON.parse(ran.text) : { size: 0 }
  const whole = report.verified === true && report.size >= log.accepted
  results.check(whole, `postern verify: ${report.size} entries of two lives`, ran.text)
}

async function checkWhole(go: GoVerifier, log: WrittenLog, exported: string): Promise<void> {
  const ran = await postern(["log", "export", exported, "--config", log.config, "--json"])
  results.check(ran.code === 0, "postern log export", ran.text)
  const { size } = JSON.parse(ran.text)
  results.check(size >= entriesMin, `the log has ${size} entries`)
  const proofs = join(work, "proofs")
  await writeProofs(exported, size, proofs)
  await go.accepts("the checkpoint", exported, ["-vkey", log.vkey, "-proofs", proofs])
  const own = await postern(["verify", exported, "--vkey", log.vkey, "--json"])
  results.check(own.code === 0, "postern verify on the export", own.text)
}

async function checkPart(go: GoVerifier, log: WrittenLog, size: number): Promise<void> {
  const exported = join(work, `export-${size}`)
  const args = ["log", "export", exported, "--config", log.config, "--size", `${size}`, "--json"]
  const ran = await postern(args)
  if (ran.code !== 0) return results.check(false, `postern log export --size ${size}`, ran.text)
  const { root } = JSON.parse(ran.text)
  const proofs = join(work, "proofs")
  await writeProofs(exported, size, proofs)
  await go.accepts("a part", exported, ["-size", `${size}`, "-root", root, "-proofs", proofs])
  rmSync(exported, { recursive: true })
}

/** One byte in one file, or another key: the same program must refuse it. */
async function checkChanged(go: GoVerifier, log: WrittenLog, exported: string): Promise<void> {
  const refuses = (what: string, vkey = log.vkey) => go.refuses(what, exported, ["-vkey", vkey])
  const note = readFileSync(join(exported, "checkpoint"), "utf8")
  const changes = [
    ["tile/entries/123", 1000],
    ["tile/entries/000", 3],
    ["tile/0/200", 4000],
    ["tile/1/000", 77],
    ["checkpoint", note.indexOf("\n") + 3],
    ["checkpoint", note.indexOf("=") - 4],
    ["checkpoint", note.length - 20],
  ] as const
  for (const [path, at] of changes) {
    const file = join(exported, path)
    const bytes = readFileSync(file)
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 1
    writeFileSync(file, changed)
    await refuses(`byte ${at} of ${path} changed`)
    writeFileSync(file, bytes)
  }
  const { name, publicKey } = parseVkey(log.vkey)
  const other = Uint8Array.from(publicKey, (byte, i) => (i === 5 ? byte ^ 1 : byte))
  await refuses("another verifier key", formatVkey(name, other))
  await go.accepts("it again, unchanged", exported, ["-vkey", log.vkey])
}

try {
  await main()
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  rmSync(work, { recursive: true, force: true })
  if (process.argv.includes("--record")) recordRun(results.report.of(), "interop")
  results.end()
}
