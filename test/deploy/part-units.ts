import { once } from "node:events"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { basename, dirname, join } from "node:path"
import type { Results } from "../interop/results.ts"
import { until } from "../support/waiting.ts"
import { type Held, Holder } from "./holder.ts"
import { bounded, checkConfined, confined, confiners, protectedSystem } from "./part-confined.ts"
import { tryRenewal } from "./part-renewal.ts"
import { leaveUnanswered, tryReview } from "./part-review.ts"
import { applyRules, tryWatch } from "./part-watch.ts"
import { freePorts, machine, type Ports, portFlags, ready, type Stage } from "./stage.ts"

const services = ["postern-port", "postern-reader", "postern-courier"]
/** Looks after those. */
const watch = "postern-watch"
/** Ends what a review left unanswered. */
const review = "postern-review"
/** What `systemd-analyze security` may say at most, of every unit. */
const exposureMax = 2

/** A unit as it was written: the last word of each setting, all words of those that may be said several times. */
class Unit {
  readonly #lines: readonly string[]
  constructor(directory: string, name: string) {
    this.#lines = readFileSync(join(directory, `${name}.service`), "utf8").split("\n")
  }
  all(key: string): string[] {
    return this.#lines
      .filter((line) => line.startsWith(`${key}=`))
      .map((line) => line.slice(key.length + 1))
  }
  one(key: string): string {
    return this.all(key).at(-1) ?? ""
  }
}

/** `postern install --systemd` judged by systemd's own tools, then its units carried out by hand. */
export async function tryUnits(stage: Stage, results: Results): Promise<void> {
  const ports = await freePorts()
  const audit = join(stage.directory, "audit")
  const config = join(audit, "postern.yaml")
  stage.must(stage.postern, ["init", audit, "--host", machine, ...portFlags(ports)])
  const outside = await openOutside()
  withCourier(stage, { audit, config, url: outside.url })
  const root = join(stage.directory, "root")
  const install = stage.run(stage.postern, [
    "install",
    "--systemd",
    "--config",
    config,
    "--prefix",
    root,
  ])
  results.check(install.code === 0, "postern install --systemd", install.text)
  const units = join(root, "etc/systemd/system")
  judge(stage, units, results)
  const users = makeAccounts(stage, root, audit, results)
  try {
    await carryOut(stage, units, { ports, audit, users, beats: outside.beats }, results)
  } finally {
    outside.close()
  }
}

/** Somebody outside who waits for heartbeats. */
async function openOutside() {
  const beats: string[] = []
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    beats.push(body)
    response.end()
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const close = () => void server.close().closeAllConnections()
  return { url: `http://127.0.0.1:${port}/ping`, beats, close }
}

/** A policy whose one witness nobody runs: the courier asks in vain, which is enough here. */
function withCourier(
  stage: Stage,
  { audit, config, url }: Readonly<Record<"audit" | "config" | "url", string>>,
): void {
  const witness = [
    "witness",
    "init",
    join(stage.directory, "witness"),
    "--name",
    "witness.example/w",
  ]
  const vkey = /witness\.example\/w\+\S+/.exec(stage.must(stage.postern, witness))?.[0] ?? ""
  writeFileSync(
    join(audit, "witnesses.policy"),
    `witness w ${vkey} http://127.0.0.1:9\ngroup g any w\nquorum g\n`,
  )
  const beat = `\nheartbeat: { url: "${url}", everySeconds: 5 }\n`
  const text = readFileSync(config, "utf8")
  writeFileSync(config, `${text.replace("# witnesses:", "witnesses:")}${beat}`)
}

function judge(stage: Stage, units: string, results: Results): void {
  const files = readdirSync(units).map((name) => join(units, name))
  const verify = stage.run("systemd-analyze", ["verify", ...files])
  const clean = verify.code === 0 && verify.text === ""
  results.check(clean, `systemd-analyze verify: ${files.length} units`, verify.text)
  const judged = files.filter((file) => file.endsWith(".service"))
  results.check(judged.length === services.length + 3, `${judged.length} services`, `${judged}`)
  for (const file of judged) {
    const name = basename(file, ".service")
    const security = stage.run("systemd-analyze", ["security", "--offline=yes", "--no-pager", file])
    const level = Number(/exposure level for \S+: ([\d.]+)/.exec(security.text)?.[1] ?? Number.NaN)
    const what = `systemd-analyze security ${name}: ${level}, at most ${exposureMax}`
    results.check(level <= exposureMax, what, security.text)
  }
}

interface Account {
  readonly uid: number
  readonly gid: number
  /** Of the further groups it is in. */
  readonly groups: readonly number[]
}

const nobody: Account = { uid: 65534, gid: 65534, groups: [] }
/** Of a unit that names no user. */
const root: Account = { uid: 0, gid: 0, groups: [] }

/** What stands in a passwd or group file, by the first word of the line. */
function lookUp(root: string, file: string): Map<string, readonly string[]> {
  const lines = readFileSync(join(root, "etc", file), "utf8").split("\n")
  return new Map(lines.map((line) => [line.split(":")[0] ?? "", line.split(":")]))
}

/** sysusers and tmpfiles, carried out by their own programmes on a copy that they take for the machine. */
function makeAccounts(
  stage: Stage,
  root: string,
  audit: string,
  results: Results,
): Map<string, Account> {
  const sysusers = stage.run("systemd-sysusers", [`--root=${root}`])
  results.check(sysusers.code === 0, "systemd-sysusers takes the users", sysusers.text)
  const inside = join(root, audit)
  mkdirSync(dirname(inside), { recursive: true })
  stage.must("cp", ["-a", audit, inside])
  const conf = readFileSync(join(root, "etc/tmpfiles.d/postern.conf"), "utf8")
  const tmpfiles = stage.run("systemd-tmpfiles", ["--create", `--root=${root}`])
  results.check(tmpfiles.code === 0, "systemd-tmpfiles takes the directories", tmpfiles.text)
  const groups = lookUp(root, "group")
  const gidOf = (name: string): number => Number(groups.get(name)?.[2] ?? 0)
  const accounts = new Map<string, Account>()
  for (const [name, [, , uid, gid]] of lookUp(root, "passwd")) {
    const isIn = ([, , , members = ""]: readonly string[]) => members.split(",").includes(name)
    const more = [...groups.values()].filter(isIn).map(([group = ""]) => gidOf(group))
    accounts.set(name, { uid: Number(uid), gid: Number(gid), groups: more })
  }
  const named = [...services, watch].map((name) => accounts.get(name))
  const gids = new Set(named.map((one) => one?.gid))
  const uids = new Set(named.map((one) => one?.uid))
  results.check(uids.size === 4 && gids.size === 1, "four users of one group")
  // The same on the real paths, which the programmes above see below --root.
  for (const line of conf.split("\n")) {
    const [kind, path, mode, owner = "", group = ""] = line.split(" ")
    if ((kind !== "d" && kind !== "z") || path === undefined) continue
    if (kind === "d") mkdirSync(path, { recursive: true })
    const uid = owner === "root" ? 0 : (accounts.get(owner)?.uid ?? 0)
    chownSync(path, uid, gidOf(group))
    chmodSync(path, Number.parseInt(mode ?? "", 8))
  }
  return accounts
}

interface Place {
  readonly ports: Ports
  readonly audit: string
  readonly users: ReadonlyMap<string, Account>
  readonly beats: readonly string[]
}

/**
 * What the service manager would do, as far as it decides whether the service works: the user, the credentials, the sockets,
 * the empty network, the read-only file system and the system call filter, under a tracer that says what the kernel was asked for.
 */
async function carryOut(
  stage: Stage,
  units: string,
  place: Place,
  results: Results,
): Promise<void> {
  const { ports, audit } = place
  const holder = await Holder.open([
    ...[machine, "127.0.0.1"].map((host) => `write=${host}:${ports.write}`),
    ...[machine, "127.0.0.1"].map((host) => `read=${host}:${ports.read}`),
    `ops=127.0.0.1:${ports.ops}`,
  ])
  const running: { name: string; held: Held }[] = []
  for (const name of confiners) {
    copyFileSync(new URL(name, import.meta.url), join(stage.directory, name))
  }
  try {
    for (const name of services) {
      const held = await holder.start(startOf(stage, new Unit(units, name), name, place))
      running.push({ name, held })
      if (name === "postern-port") await ready(ports.ops)
    }
    results.check(true, "the port is ready, as its own user, without a network of its own")
    applyRules(stage, audit, results)
    leaveUnanswered(stage, audit, place.users.get("postern-port")?.gid ?? 0)
    const looking = startOf(stage, new Unit(units, watch), watch, place)
    running.push({ name: watch, held: await holder.start(looking) })
    const event = JSON.stringify({ action: "door.opened", actor: "alice" })
    const profile = (role: string) => ["--profile", join(audit, `profiles/${role}.yaml`)]
    const send = stage.run(stage.postern, ["send", ...profile("writer")], { input: event })
    results.check(send.code === 0, "a writer reaches it through the held socket", send.text)
    const read = () => {
      const search = stage.run(stage.postern, ["verify", ...profile("reader")])
      return search.code === 0 ? search : undefined
    }
    const verified = await until(read, 40_000, "the reader").catch(() => undefined)
    results.check(
      verified !== undefined,
      "the reader, another user, reads and proves the log",
      holder.said,
    )
    let said = ""
    const status = () => {
      const asked = stage.run(stage.postern, [
        "status",
        "--config",
        join(audit, "postern.yaml"),
        "--json",
      ])
      said = asked.text
      return said.includes('"failed"') ? asked : undefined
    }
    const told = await until(status, 40_000, "the courier's word").catch(() => undefined)
    results.check(told !== undefined, "the courier, a third user, reports to the port", said)
    const beaten = await until(() => place.beats[0], 40_000, "a heartbeat").catch(() => undefined)
    results.check(/"size":[1-9]/.test(beaten ?? ""), "its heartbeat arrives outside", holder.said)
    checkSecrets(stage, place, results)
    const unit = new Unit(units, "postern-port")
    const account = place.users.get(unit.one("User"))
    if (account !== undefined)
      checkConfined({ stage, unit, audit, rights: rightsOf(account) }, results)
    await tryRenewal(stage, place, results)
    await tryGuard(stage, units, place, results)
  } finally {
    for (const { name, held } of running.reverse()) {
      const code = await held.end().catch(() => -1)
      results.check(code === 0, `${name} ends in order`, holder.said)
    }
    await holder.close()
  }
  for (const name of [...services, watch]) checkCalls(stage, name, results)
}

/** The watch, which runs, and what the timer of the reviews starts. */
async function tryGuard(
  stage: Stage,
  units: string,
  place: Place,
  results: Results,
): Promise<void> {
  const { ports, audit, users } = place
  const unit = new Unit(units, watch)
  const rights = rightsOf(users.get(unit.one("User")) ?? nobody)
  const readers = rightsOf(users.get("postern-reader") ?? nobody)
  await tryWatch(stage, { ports, audit, unit, rights, readers }, results)
  const { argv, env } = startOf(stage, new Unit(units, review), review, place)
  const [command = "", ...args] = argv
  const end = () => stage.run(command, args, { env: { ...stage.env, ...env } })
  await tryReview(stage, { audit, end }, results)
}

/** As setpriv takes them. */
function rightsOf({ uid, gid, groups }: Account): string[] {
  const more = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")]
  return ["--reuid", `${uid}`, "--regid", `${gid}`, ...more]
}

function startOf(stage: Stage, unit: Unit, name: string, { users }: Place) {
  const account = unit.one("User") === "" ? root : (users.get(unit.one("User")) ?? nobody)
  const { uid, gid } = account
  const credentials = join(stage.directory, `credentials-${name}`)
  mkdirSync(credentials)
  for (const line of unit.all("LoadCredential")) {
    const [id = "", file = ""] = line.split(":")
    copyFileSync(file, join(credentials, id))
    chownSync(join(credentials, id), uid, gid)
    chmodSync(join(credentials, id), 0o400)
  }
  chownSync(credentials, uid, gid)
  chmodSync(credentials, 0o500)
  const trace = ["strace", "-D", "-f", "-qq", "-o", join(stage.directory, `${name}.trace`)]
  const calls = ["-e", "trace=socket,bind,connect", "-e", "signal=none"]
  const apart = unit.one("PrivateNetwork") === "yes" ? ["unshare", "--net"] : []
  return {
    argv: [
      ...apart,
      ...trace,
      ...calls,
      ...protectedSystem(unit),
      "setpriv",
      ...rightsOf(account),
      ...bounded(unit),
      ...confined(stage, unit),
      ...unit.one("ExecStart").split(" "),
    ],
    env: {
      CREDENTIALS_DIRECTORY: credentials,
      ...Object.fromEntries(unit.all("Environment").map((line) => line.split("="))),
    },
    names: unit
      .all("Sockets")
      .flatMap((line) =>
        line.split(" ").map((socket) => basename(socket, ".socket").replace("postern-", "")),
      ),
  }
}

/** Who shows which certificate may read its key; nobody reads the file of a key that signs. */
const openKeys = [
  "postern-port server.key",
  "postern-reader reader-process.key",
  "postern-reader server.key",
  "postern-courier courier-process.key",
]

/** Each process has its own keys only. */
function checkSecrets(stage: Stage, { audit, users }: Place, results: Results): void {
  const can = (who: string, ...command: string[]): boolean =>
    stage.run("setpriv", [...rightsOf(users.get(who) ?? nobody), ...command]).code === 0
  const keys = readdirSync(join(audit, "pki")).filter((name) => name.endsWith(".key"))
  const open = services.flatMap((who) =>
    keys
      .filter((name) => can(who, "cat", join(audit, "pki", name)))
      .map((name) => `${who} ${name}`),
  )
  const isAsMeant = `${[...open].sort()}` === `${[...openKeys].sort()}`
  const what = "each process can read the files of its TLS keys, and of no other key"
  results.check(keys.length > 4 && isAsMeant, what, `${open}`)
  const signing = join(stage.directory, "credentials-postern-port/log.key")
  const thieves = services.filter((who) => can(who, "cat", signing))
  results.check(`${thieves}` === "postern-port", "the log key is the port's alone", `${thieves}`)
  const segments = join(audit, "data/log")
  const touch = services.filter((who) => can(who, "touch", join(segments, "mark")))
  results.check(`${touch}` === "postern-port", "only the port can write into the log", `${touch}`)
}

/** What the kernel was asked for: the port makes no socket but local ones, the reader connects to the write port only. */
function checkCalls(stage: Stage, name: string, results: Results): void {
  const text = readFileSync(join(stage.directory, `${name}.trace`), "utf8")
  const lines = text.split("\n").filter((line) => /AF_INET/.test(line))
  if (name === "postern-port") {
    results.check(lines.length === 0, "the port made no internet socket", lines.slice(0, 3).join())
  }
  if (name === "postern-reader") {
    const far = lines.filter((line) => /connect\(/.test(line) && !line.includes(machine))
    results.check(
      lines.length > 0 && far.length === 0,
      "the reader connected to the write port only",
      `${far}`,
    )
  }
  const bound = text.split("\n").filter((line) => /bind\(.*AF_INET/.test(line))
  results.check(bound.length === 0, `${name} bound no port`, `${bound}`)
}
