import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { encodeUtf8, parseBase64 } from "@postern/log/base"
import {
  checkBatchReceipt,
  formatReceiptFile,
  openReceiptCertificate,
  receiptFileOf,
} from "@postern/log/evidence"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { loadConfig } from "../config/index.ts"
import { enrolReader } from "../guard/setup/index.ts"
import { adminClient } from "./admin-client.ts"
import { openHttpsExchange } from "./https-exchange.ts"
import {
  type LivePort,
  type Ran,
  runHere,
  startLivePort,
  startLiveReader,
  writeProfile,
} from "./live-port.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-verify-cli-"))
let port: LivePort
let log: string
let receipt: string
/** Entries of the log, and the index of the first event among them. */
let size: number
let first: number

beforeAll(async () => {
  port = await startLivePort(join(base, "audit"))
  log = join(port.directory, "data", "log")
  receipt = join(base, "receipt.json")
  writeFileSync(receipt, await writeEvents(port))
  await enrolReader({
    config: loadConfig(port.config),
    name: "watch",
    see: "monitor",
    now: new Date(),
    address: "127.0.0.1:1",
  })
  await adminClient(loadProfile(join(port.directory, "profiles", "operator.yaml"))).reload()
  await port.stop()
  size = JSON.parse((await runHere(["verify", log, "--json"])).stdout).size
})
afterAll(() => rmSync(base, { recursive: true }))

/** Writes 300 events over HTTPS; gives the receipt file of one of them. */
async function writeEvents({ writer, vkey }: LivePort): Promise<string> {
  const events = Array.from({ length: 300 }, (_, i) => {
    const id = `event-${String(i).padStart(4, "0")}`
    const time = "2026-11-22T12:00:00Z"
    const actor = { type: "user", id: "alice" }
    const given = { id, time, source: "app://app", outcome: "success", actor, targets: [] }
    return JSON.stringify({ ...given, action: "test.done" })
  })
  const exchange = openHttpsExchange(loadProfile(writer))
  const body = Buffer.from(events.join("\n"))
  const answer = await exchange.ask({
    method: "POST",
    path: "/v1/events",
    type: "application/x-ndjson",
    body,
    bytesMax: 1e6,
  })
  exchange.close()
  const { certificate, receipts } = JSON.parse(answer.body.toString())
  const [{ note, batches }] = receipts
  const { open, sequence, count, received, changed, seed, path } = batches[0]
  first = batches[0].first
  const ack = {
    open,
    sequence,
    received,
    changed,
    events: count,
    accepted: count,
    firstIndex: first,
    seed: parseBase64(seed) as Uint8Array,
    path: path.map(parseBase64),
  }
  const proven = await checkBatchReceipt({
    ack,
    note,
    events: events.map(encodeUtf8),
    refused: [],
    receiptVkey: await openReceiptCertificate(certificate, vkey),
  })
  return formatReceiptFile(receiptFileOf(proven, first + 7, certificate))
}

function copyOf(from: string): string {
  const to = mkdtempSync(join(base, "copy-"))
  cpSync(from, to, { recursive: true })
  return to
}

/** Changes a bit at the place of a text. */
function flip(path: string, text: string): void {
  const bytes = readFileSync(path)
  const at = bytes.indexOf(text)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
}

function expectError(ran: Ran, status: number, error: RegExp): void {
  expect(ran.stderr).toMatch(error)
  expect(ran.stderr.trimEnd().split("\n")).toHaveLength(2)
  expect(ran.status).toBe(status)
}

describe("postern verify DIR", () => {
  test("verifies an installation, its data directory and its log, with the key beside it", async () => {
    for (const path of [port.directory, join(port.directory, "data"), log]) {
      const ran = await runHere(["verify", path])
      expect([ran.status, ran.stderr]).toEqual([0, ""])
      expect(ran.stdout).toMatch(/^tree +ok +\d+ +entries$/m)
      expect(ran.stdout.trimEnd()).toMatch(/\nverified$/)
    }
  })

  test("prints the report as JSON", async () => {
    const ran = await runHere(["verify", log, "--full", "--json"])
    const report = JSON.parse(ran.stdout)
    expect(report).toMatchObject({ verified: true, origin: "postern.local/audit", findings: [] })
    expect(report.size).toBeGreaterThan(300)
    expect(ran.status).toBe(0)
  })

  test("ends with 3 if anything is wrong, and names it", async () => {
    const copy = copyOf(log)
    flip(join(copy, "segments", "0000000000000000.seg"), "event-0100")
    const ran = await runHere(["verify", copy, "--profile", port.reader])
    expectError(ran, 3, /contradicts itself: slot \d+, entries .* do not lead to the slot's root/)
    expect(ran.stdout).toMatch(/^tree +fail/m)
    expect(ran.stdout).toMatch(/^root: slot \d+, /m)
    expect(ran.stdout.trimEnd()).toMatch(/NOT VERIFIED: tree, .*receipts$/)
  })

  test("ends with 3 and its own code for a log that was rolled back", async () => {
    const copy = copyOf(log)
    const signed = JSON.parse(readFileSync(join(copy, "last-signed"), "utf8"))
    writeFileSync(join(copy, "last-signed"), JSON.stringify({ ...signed, size: 10_000 }))
    const ran = await runHere(["verify", copy, "--config", port.config, "--json"])
    expectError(ran, 3, /LOG_ROLLED_BACK/)
    expect(JSON.parse(ran.stdout)).toMatchObject({ verified: false, findingsTotal: 1 })
  })

  test("does not end with success if something could not be checked", async () => {
    const ran = await runHere(["verify", copyOf(log)])
    expectError(ran, 1, /CHECK_INCOMPLETE/)
    expect(ran.stdout).toMatch(
      /^checkpoint-signature +unknown +0 +signatures +the log's verifier key/m,
    )
    expect(ran.stdout.trimEnd()).toMatch(/\nnot all could be checked: receipt-signatures, /)
    const keyed = await runHere(["verify", copyOf(log), "--vkey", port.vkey])
    expect(keyed.status).toBe(0)
  })

  test("does not take the key of an installation for a log that is not its own", async () => {
    const other = join(port.directory, "old-log")
    cpSync(log, other, { recursive: true })
    expect((await runHere(["verify", other])).status).toBe(1)
  })

  test("says what it cannot verify", async () => {
    expectError(await runHere(["verify"]), 2, /name a directory/)
    expectError(await runHere(["verify", join(base, "none")]), 2, /there is no /)
    expectError(await runHere(["verify", base]), 2, /holds neither a log nor an export/)
    expectError(await runHere(["verify", log, "--vkey", "x"]), 3, /not a verifier key/)
  })

  test("tells every two seconds how far it is, if it is asked to", async () => {
    const help = await runHere(["verify", "--help"])
    expect(help.stdout).toMatch(/offline: nobody\s+records/)
    const ran = await runHere(["verify", log, "--progress"])
    // A machine that is busy may take that long for it.
    const other = ran.stderr.replaceAll(/^\d+% {2}\d+ of \d+ entries, \d+ entries\/s\n/gm, "")
    expect([ran.status, other]).toEqual([0, ""])
  })
})

describe("postern verify RECEIPT", () => {
  test("proves an entry offline", async () => {
    const ran = await runHere(["verify", receipt, "--vkey", port.vkey])
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    expect(ran.stdout).toContain(`entry ${first + 7} is in the log postern.local/audit`)
    expect(ran.stdout).toContain('"id":"event-0007"')
    const json = await runHere(["verify", receipt, "--profile", port.writer, "--json"])
    expect(JSON.parse(json.stdout)).toMatchObject({ verified: true, index: first + 7 })
  })

  test("proves nothing if a character is another one, or the key is", async () => {
    const changed = join(base, "changed.json")
    writeFileSync(changed, readFileSync(receipt, "utf8").replace("alice", "malic"))
    expectError(await runHere(["verify", changed, "--vkey", port.vkey]), 3, /RECEIPT_INVALID/)
    expectError(await runHere(["verify", receipt]), 2, /verifier key is needed/)
    writeFileSync(changed, Buffer.from([0xff, 0xfe]))
    expectError(await runHere(["verify", changed, "--vkey", port.vkey]), 3, /no receipt file/)
  })
})

describe("postern log export", () => {
  const to = (name: string) => join(base, `export-${name}`)

  test("writes what postern verify and every reader of tlog-tiles verifies", async () => {
    const ran = await runHere(["log", "export", to("a"), "--config", port.config, "--json"])
    expect(JSON.parse(ran.stdout)).toMatchObject({ size, checkpoint: true, files: 7 })
    expect(readFileSync(join(to("a"), "vkey"), "utf8")).toBe(`${port.vkey}\n`)
    expect(readdirSync(join(to("a"), "tile", "entries")).sort()).toEqual(["000", "001.p"])
    const verified = await runHere(["verify", to("a"), "--vkey", port.vkey])
    expect(verified.stderr).toBe("")
    expect(verified.stdout).toMatch(/^leaves +ok +\d+ +entries$/m)
  })

  test("refuses a directory with something in it", async () => {
    const again = await runHere(["log", "export", base, "--config", port.config])
    expectError(again, 1, /ALREADY_EXISTS/)
  })

  test("writes a part of the log, for which nothing is signed", async () => {
    const args = ["log", "export", to("b"), "--config", port.config, "--size"]
    expectError(await runHere([...args, String(size + 1)]), 1, /newest checkpoint has/)
    const ran = await runHere([...args, "256"])
    expect(ran.stdout).toMatch(/^256 entries of postern.local\/audit in 4 files\nroot /)
    expect(ran.stderr).toMatch(/no checkpoint/)
    expect(existsSync(join(to("b"), "checkpoint"))).toBe(false)
  })

  test("ends before the checkpoint if an entry is not what was signed", async () => {
    const config = join(base, "damaged", "postern.yaml")
    cpSync(port.directory, join(base, "damaged"), { recursive: true })
    flip(join(base, "damaged/data/log/segments/0000000000000000.seg"), "event-0100")
    const ran = await runHere(["log", "export", to("c"), "--config", config])
    expectError(ran, 3, /the entries do not lead to the checkpoint's root/)
    expect(existsSync(join(to("c"), "checkpoint"))).toBe(false)
  })
})

describe("postern verify --profile", () => {
  let server: Server
  let profile: string
  let served: string
  let refused: string | undefined

  /** The read port's paths, served from an export, to whoever shows a certificate of the installation's CA. */
  beforeAll(async () => {
    served = join(base, "export-served")
    await runHere(["log", "export", served, "--config", port.config])
    const pki = (name: string) => readFileSync(join(port.directory, "pki", name))
    const tls = { key: pki("server.key"), cert: pki("server.crt"), ca: pki("ca.crt") }
    server = createServer(
      { ...tls, requestCert: true, minVersion: "TLSv1.3" },
      (request, answer) => {
        const path = request.url ?? ""
        const code = refused !== undefined && path.startsWith(refused) ? "NOT_GRANTED" : "NOT_FOUND"
        if (code === "NOT_FOUND" && existsSync(join(served, path))) {
          answer.end(readFileSync(join(served, path)))
        } else {
          answer.statusCode = code === "NOT_FOUND" ? 404 : 403
          answer.end(JSON.stringify({ code, title: "no" }))
        }
      },
    )
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    profile = join(port.directory, "profiles", "here.yaml")
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    writeProfile(profile, port.reader, { address })
  })
  afterAll(() => server.close())

  test("verifies the log over the network and remembers the checkpoint", async () => {
    const first = await runHere(["verify", "--profile", profile])
    expect([first.status, first.stderr]).toEqual([0, ""])
    expect(first.stdout).toMatch(/^consistency +ok +0 +checkpoints +nothing to compare with/m)
    const memory = join(port.directory, "profiles", "here.checkpoint")
    expect(readFileSync(memory, "utf8")).toBe(readFileSync(join(served, "checkpoint"), "utf8"))
    expect(statSync(memory).mode & 0o777).toBe(0o600)
    const second = await runHere(["verify", "--profile", profile])
    expect(second.stdout).toMatch(/^consistency +ok +1 +checkpoints$/m)
  })

  test("verifies the hashes alone for a reader that may not see entries", async () => {
    refused = "/tile/entries/"
    const ran = await runHere(["verify", "--profile", profile])
    expect(ran.status).toBe(0)
    expect(ran.stdout).toMatch(/^entries: not shown to this reader$/m)
    refused = "/"
    expectError(await runHere(["verify", "--profile", profile]), 5, /NOT_GRANTED/)
    refused = undefined
  })

  test("ends with 3 for a log that is not the one it was, and keeps what it remembers", async () => {
    const memory = join(port.directory, "profiles", "here.checkpoint")
    const before = readFileSync(memory, "utf8")
    const good = served
    served = copyOf(good)
    flip(join(served, "tile/entries/000"), "event-0100")
    const entry = await runHere(["verify", "--profile", profile])
    expectError(entry, 3, /PROOF_INVALID/)
    expect(entry.stdout).toMatch(/^leaf-hash: entry \d+: /m)
    served = copyOf(good)
    flip(join(served, "checkpoint"), String(size))
    expectError(await runHere(["verify", "--profile", profile, "--json"]), 3, /does not verify/)
    served = good
    expect(readFileSync(memory, "utf8")).toBe(before)
  })

  test("verifies what the reader process serves, to auditors and to monitors", async () => {
    const monitor = join(port.directory, "profiles", "reader-watch.yaml")
    const reader = await startLiveReader(port.config)
    const live = join(port.directory, "profiles", "live-reader.yaml")
    try {
      writeProfile(live, port.reader, { address: reader.address })
      const auditor = await runHere(["verify", "--profile", live, "--json"])
      expect(JSON.parse(auditor.stdout)).toMatchObject({ verified: true, size, saw: "entries" })
      writeProfile(live, monitor, { address: reader.address })
      const hashes = await runHere(["verify", "--profile", live, "--json"])
      expect(JSON.parse(hashes.stdout)).toMatchObject({ verified: true, size, saw: "hashes" })
    } finally {
      await reader.stop()
    }
  })

  test("says who cannot be asked", async () => {
    const writer = await runHere(["verify", "--profile", port.writer])
    expectError(writer, 78, /it is a writer's, a reader's is needed/)
    const gone = join(port.directory, "profiles", "gone.yaml")
    writeProfile(gone, port.reader, { address: "127.0.0.1:1" })
    expectError(await runHere(["verify", "--profile", gone]), 4, /UNREACHABLE/)
    writeProfile(gone, profile, { server: "spiffe://postern.local/other" })
    expectError(await runHere(["verify", "--profile", gone]), 5, /the profile demands/)
  })
})
