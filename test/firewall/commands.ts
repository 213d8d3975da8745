/**
 * `postern firewall` against the rules of a machine: runs in namespaces of its own, where it is root. Its argument is the
 * dialect. One line of JSON for each thing that was looked at.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { run } from "../../packages/server/dist/cli/main.js"
import { loadConfig } from "../../packages/server/dist/config/index.js"
import { examineFirewall } from "../../packages/server/dist/guard/doctor/index.js"
import { until } from "../support/waiting.ts"
import { accessText } from "./places.ts"

export interface Look {
  readonly holds: boolean
  readonly what: string
  readonly why: string
}

const house = fileURLToPath(new URL("../../", import.meta.url))
const golden = join(house, "packages/server/src/guard/firewall/dialects/golden")
const bin = join(house, "packages/server/bin/postern.cjs")
const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` }
const work = mkdtempSync(join(tmpdir(), "postern-firewall-"))
const config = join(work, "audit/postern.yaml")
const access = join(work, "audit/access.yaml")
const written = join(work, "audit/data/state/firewall.json")
const dialect = process.argv[2] === "iptables" ? "iptables" : "nftables"

function look(holds: boolean, what: string, why = ""): void {
  console.log(JSON.stringify({ holds, what, why } satisfies Look))
}

function sh(script: string, input = ""): string {
  return execFileSync("sh", ["-c", script], { input, encoding: "utf8", env })
}

interface Ran {
  readonly code: number | null
  /** What it printed, to either stream. */
  readonly text: string
}

function wordsOf(args: readonly string[]): string[] {
  return [
    "firewall",
    ...args,
    ...(["confirm", "rollback"].includes(args[0] ?? "") ? [] : ["--config", config]),
  ]
}

/** As a process of its own, which is gone afterwards. */
function posternProcess(args: readonly string[]): Ran {
  const ran = spawnSync(process.execPath, [bin, ...wordsOf(args)], { env, encoding: "utf8" })
  return { code: ran.status, text: ran.stdout + ran.stderr }
}

/** The same command line in this process, for it is many. */
async function postern(words: readonly string[]): Promise<Ran> {
  let text = ""
  const collect = () =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString()
        done()
      },
    })
  const [stdout, stderr] = [collect(), collect()]
  const code = await run(words, {
    ...{ stdin: process.stdin, stdout, stderr, env: {}, color: false },
    line: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    now: () => new Date(),
  })
  return { code, text }
}

/** Looks at a command's exit code, and at what it printed. */
async function expectRun(
  what: string,
  args: readonly string[],
  code: number,
  text: RegExp,
): Promise<void> {
  expectRan(what, await postern(wordsOf(args)), code, text)
}

function expectRan(what: string, ran: Ran, code: number, text: RegExp): void {
  look(ran.code === code && text.test(ran.text), what, `exit code ${ran.code}: ${ran.text}`)
}

/** How a dialect's rules are read and spoiled without us. */
const host = {
  nftables: {
    list: "nft list ruleset",
    spoil: "nft insert rule inet postern judge counter accept",
    golden: "nft --check --file -",
  },
  iptables: {
    list: "iptables-save -t raw | grep -v '^[#:]'; ip6tables-save -t raw | grep -v '^[#:]'; true",
    spoil: "ip6tables -t raw -I PREROUTING 1 -p tcp -j ACCEPT",
    golden:
      "cat >/run/golden; for i in iptables ip6tables; do $i-restore --noflush --test </run/golden; done",
  },
} as const

async function tryDialect(name: keyof typeof host): Promise<void> {
  const { list, spoil } = host[name]
  const bare = sh(list)
  writeFileSync(access, accessText())
  await expectRun(
    `${name}: verify fails where nothing is loaded`,
    ["verify", name],
    3,
    /^\+ .*10\.77\.0\.2/m,
  )
  const brief = posternProcess(["apply", name, "--confirm-within", "8"])
  expectRan(`${name}: apply says until when`, brief, 0, /in force until .*/)
  const loaded = sh(list)
  look(loaded !== bare && loaded.includes("17514"), `${name}: the rules are loaded`)
  const isBare = () => sh(list) === bare || undefined
  await until(isBare, 30_000, `${name}: the way back`).catch(() => undefined) // Told below.
  look(
    sh(list) === bare,
    `${name}: unconfirmed, they go by themselves, after the command has ended`,
    sh(list),
  )
  await expectRun(`${name}: too late to confirm`, ["confirm"], 1, /FIREWALL_ROLLED_BACK/)

  await expectRun(`${name}: apply again`, ["apply", name], 0, /still answering: 127\.0\.0\.1:17514/)
  await expectRun(`${name}: no second change meanwhile`, ["apply", name], 1, /FIREWALL_UNCONFIRMED/)
  await expectRun(`${name}: verify says that it waits`, ["verify", name], 0, /not confirmed yet/)
  await expectRun(`${name}: confirm`, ["confirm"], 0, /confirmed/)
  await expectRun(`${name}: nothing waits any more`, ["rollback"], 1, /FIREWALL_ROLLED_BACK/)
  const kept = sh(list)
  await expectRun(`${name}: apply has nothing to change`, ["apply", name], 0, /nothing to change/)
  look(sh(list) === kept, `${name}: and changes nothing, counts included`)

  writeFileSync(access, accessText("writer"))
  await expectRun(`${name}: diff shows who is gone`, ["diff", name], 0, /^- .*10\.77\.0\.2/m)
  await expectRun(`${name}: apply without the writer`, ["apply", name], 0, /in force/)
  await expectRun(`${name}: rollback by hand`, ["rollback"], 0, /back/)
  look(sh(list) === kept, `${name}: brings back what was there`, `${kept}\n${sh(list)}`)
  writeFileSync(access, accessText())

  sh(spoil)
  await expectRun(
    `${name}: a stranger's rule is drift`,
    ["verify", name, "--json"],
    3,
    /"state":"drifted"/,
  )
  await expectRun(`${name}: apply mends it`, ["apply", name], 0, /in force/)
  await expectRun(`${name}: what is mended is kept`, ["confirm"], 0, /confirmed/)
  await expectRun(`${name}: and verified`, ["verify", name, "--json"], 0, /"state":"as-rendered"/)
}

/** The doctor, who has but the right to list rules, compares them with what was written down. */
async function tryDoctor(name: keyof typeof host): Promise<void> {
  const expectFinding = async (what: string, result: string, evidence: RegExp) => {
    const [finding] = await examineFirewall(loadConfig(config), new Date())
    const holds = finding?.result === result && evidence.test(finding.evidence)
    look(holds, `${name}: doctor, ${what}`, JSON.stringify(finding))
  }
  const expectOk = (what: string) => expectFinding(what, "ok", /what the access list says/)
  await expectOk("after apply and confirm")
  writeFileSync(access, `# Another comment.\n${accessText()}`)
  await expectOk("another list that makes the same rules")
  writeFileSync(access, accessText("writer"))
  await expectFinding(
    "another list",
    "fail",
    /: the applied rules are of an older configuration[^;]*$/,
  )
  await expectRun(`${name}: apply once more`, ["apply", name], 0, /in force/)
  await expectOk("before it is confirmed")
  await expectRun(`${name}: and back`, ["rollback"], 0, /back/)
  await expectFinding("rules of before, and the newer list", "fail", /older configuration/)
  writeFileSync(access, accessText())
  await expectOk("rules of before, and the list of before")
  rmSync(written)
  await expectFinding("nothing written down", "unknown", /nothing was written down/)
  await expectRun(`${name}: apply writes it down`, ["apply", name], 0, /nothing to change/)
  await expectOk("written down without a change")
  sh(host[name].spoil)
  await expectFinding("a stranger's rule", "fail", /[12] that should not be/)
  chmodSync(written, 0o666)
  const refused = await examineFirewall(loadConfig(config), new Date()).catch(String)
  look(/somebody else/.test(String(refused)), `${name}: a file that others may write`, `${refused}`)
  await expectRun(`${name}: apply mends both`, ["apply", name], 0, /in force/)
  await expectRun(`${name}: for good`, ["confirm"], 0, /confirmed/)
  await expectOk("mended")
}

/** A port that answers before the change and not afterwards. */
async function trySilence(name: keyof typeof host): Promise<void> {
  const once = `const server = require("net").createServer((socket) => { socket.end(); server.close() })
    server.listen(17516, "127.0.0.1", () => console.log("ready"))`
  const child = spawn(process.execPath, ["-e", once], { stdio: ["ignore", "pipe", "inherit"] })
  await new Promise((resolve) => child.stdout.once("data", resolve))
  const before = sh(host[name].list)
  writeFileSync(access, accessText("writer"))
  const silent = /127\.0\.0\.1:17516 does not answer any more; the rules of before are back/
  await expectRun(`${name}: a port that falls silent`, ["apply", name], 1, silent)
  look(sh(host[name].list) === before, `${name}: brings the rules of before back at once`)
  await expectRun(`${name}: and nothing waits`, ["confirm"], 1, /FIREWALL_ROLLED_BACK/)
  writeFileSync(access, accessText())
}

/** What is in the place of our table and has another shape. */
async function tryStranger(): Promise<void> {
  const before = sh(host.nftables.list)
  sh("nft add chain inet postern outside '{ policy drop; }'")
  await expectRun("nftables: another policy is drift", ["verify", "nftables"], 3, /chain outside/)
  await expectRun("nftables: apply makes the table anew", ["apply", "nftables"], 0, /in force/)
  await expectRun("nftables: confirm", ["confirm"], 0, /confirmed/)
  const counts = /packets \d+ bytes \d+/g
  const after = sh(host.nftables.list).replace(counts, "")
  look(after === before.replace(counts, ""), "nftables: as before")
}

async function tryWords(): Promise<void> {
  const none = /nothing is opened for spiffe/
  await expectRun("nobody has places after init, which is said", ["render", "nftables"], 0, none)
  const dialects = /none of nftables, iptables/
  await expectRun("a dialect that is none", ["render", "pf"], 2, dialects)
  await expectRun("a dialect that is only text", ["apply", "aws"], 2, dialects)
}

function tryGolden(name: keyof typeof host): void {
  for (const file of readdirSync(golden).filter((one) => one.startsWith(name))) {
    const input = readFileSync(join(golden, file))
    const ran = spawnSync("sh", ["-ec", host[name].golden], { input, env, encoding: "utf8" })
    look(ran.status === 0, `${file}: ${name}'s own check`, ran.stderr)
  }
}

sh("mount -t tmpfs tmpfs /run && ip link set lo up")
const servers = [17514, 17515].map((port) =>
  createServer((socket) => socket.end()).listen(port, "127.0.0.1"),
)
try {
  expectRan(
    "an installation",
    await postern(["init", join(work, "audit"), "--host", "10.0.0.7"]),
    0,
    /postern serve/,
  )
  if (dialect === "nftables") await tryWords()
  tryGolden(dialect)
  await tryDialect(dialect)
  await tryDoctor(dialect)
  await trySilence(dialect)
  if (dialect === "nftables") await tryStranger()
} finally {
  for (const server of servers) server.close()
  rmSync(work, { recursive: true, force: true })
}
