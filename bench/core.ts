/**
 * The core by stage: microseconds per event for both implementations, and crypto.hash beside the leaf hashes. Run it by
 * `node bench/core.ts` on a quiet machine; each figure is the median of several rounds over fresh batches.
 */
import { hash, randomBytes } from "node:crypto"
import { type Core, createCore, rowBytes, rowField, verdicts } from "@postern/log/core"

const batchEvents = 1000
const rounds = 15

/** A small generator with a fixed seed (mulberry32), so that two runs measure the same bytes. */
function createRandom(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const random = createRandom(1)
const pick = <T>(values: readonly T[]): T => values[random(values.length)] as T
const hex = (length: number): string => {
  let text = ""
  while (text.length < length)
    text += random(2 ** 32)
      .toString(16)
      .padStart(8, "0")
  return text.slice(0, length)
}
const word = (): string => hex(3 + random(9))

/** About 330 bytes, as an application writes them. */
function appEvent(): object {
  return {
    id: hex(26),
    time: new Date(1.79e12 + random(1e6)).toISOString(),
    source: `app://${pick(["billing", "shop", "identity", "ledger"])}`,
    action: pick(["invoice.deleted", "user.login", "role.granted", "report.read"]),
    outcome: pick(["success", "success", "success", "denied", "failure"]),
    actor: { type: "user", id: word(), name: `${word()} ${word()}` },
    targets: [{ type: pick(["invoice", "user"]), id: String(random(1e6)) }],
    origin: { address: `10.0.${random(256)}.${random(256)}`, agent: `client/${word()}` },
    data: { amount: random(1e5) / 100, retry: random(2) === 0, note: word() },
  }
}

/** About 1.3 KB, as a Kubernetes API server's audit event stands in an entry. */
function kubernetesEvent(): object {
  const name = `${word()}-${hex(10)}-${hex(5)}`
  const now = new Date(1.79e12 + random(1e6)).toISOString()
  const user = pick(["system:serviceaccount:kube-system:replicaset-controller", "admin"])
  const namespace = pick(["default", "kube-system", "payments"])
  return {
    id: `${hex(8)}-${hex(4)}-${hex(4)}-${hex(12)}/ResponseComplete`,
    time: now,
    source: "k8s://cluster-1",
    action: `pods.${pick(["create", "delete", "patch", "get"])}`,
    outcome: "success",
    actor: { type: "user", id: user },
    targets: [{ type: "pods", id: `${namespace}/${name}` }],
    data: {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: `${hex(8)}-${hex(4)}-${hex(4)}-${hex(12)}`,
      stage: "ResponseComplete",
      requestURI: `/api/v1/namespaces/${namespace}/pods/${name}?timeout=${random(60)}s`,
      verb: "create",
      user: { username: user, uid: hex(32), groups: ["system:masters", "system:authenticated"] },
      sourceIPs: [`10.1.${random(256)}.${random(256)}`],
      userAgent: `kube-controller-manager/v1.31.${random(9)} (linux/amd64) kubernetes/${hex(7)}/${word()}`,
      objectRef: { resource: "pods", namespace, name, uid: hex(32), apiVersion: "v1" },
      responseStatus: { metadata: {}, code: pick([200, 201, 404]) },
      requestReceivedTimestamp: now,
      stageTimestamp: now,
      annotations: {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": `RBAC: allowed by ClusterRoleBinding "${word()}" of ClusterRole`,
        [`pod-security.kubernetes.io/${word()}`]: "privileged:latest",
      },
    },
  }
}

function region(make: () => object): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i < batchEvents; i++) {
    const event = Buffer.from(JSON.stringify(make()))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(event.length)
    parts.push(length, event)
  }
  return Buffer.concat(parts)
}

interface Places {
  readonly at: number
  readonly rows: number
  readonly to: number
  readonly leaves: number
  readonly levels: number
  readonly frontier: number
  readonly seed: number
  readonly patterns: number
  readonly out: number
}

function reserve(core: Core): Places {
  return {
    at: core.reserve(2 ** 21),
    rows: core.reserve(rowBytes * batchEvents),
    to: core.reserve(2 ** 21 + 98 * batchEvents),
    leaves: core.reserve(8 * batchEvents),
    levels: core.reserve(core.levelsBytes),
    frontier: core.reserve(64 * 32),
    seed: core.reserve(16),
    patterns: core.reserve(64),
    out: core.reserve(32),
  }
}

function measure(core: Core, batches: readonly Buffer[], size: number): Map<string, number> {
  const { at, rows, to, leaves, levels, frontier, seed, patterns, out } = reserve(core)
  const hashes = core.levelStart(levels, 0)
  const memory = Buffer.from(core.memory.buffer)
  const source = Buffer.from("\x01\x00\x06app://\x01\x00\x06k8s://", "latin1")
  core.memory.set(source, patterns)
  core.memory.set(randomBytes(16), seed)
  const times = new Map<string, number[]>()
  let treeSize = 123_456_789
  const time = (stage: string, work: () => void): void => {
    const start = performance.now()
    work()
    const list = times.get(stage) ?? []
    times.set(stage, list)
    list.push(((performance.now() - start) * 1000) / batchEvents)
  }
  for (let round = 0; round < rounds * 2; round++) {
    const batch = batches[round % batches.length] as Buffer
    core.memory.set(batch, at)
    const end = at + batch.length
    if (round === rounds) times.clear() // The first half warms the compiler up.
    time("split", () => check(core.split(at, end, rows, batchEvents) === batchEvents))
    time("scan", () => check(core.scan(rows, batchEvents) === 0))
    time("allow source", () => {
      const [field, verdict] = [rowField.source, verdicts.sourceNotGranted]
      const patternsEnd = patterns + source.length
      check(core.allow(rows, batchEvents, field, patterns, patternsEnd, verdict) === 0)
    })
    const micros = 1_764_000_000_000_000
    time("stamp", () => core.stamp(rows, batchEvents, to, leaves, micros, 12, 34_567, 0, seed))
    time("hashLeaves", () => core.hashLeaves(leaves, 0, batchEvents, hashes))
    time("crypto.hash latin1", () => hashWithCrypto(memory, leaves, batchEvents))
    time("grow", () => core.grow(levels, batchEvents, treeSize, frontier))
    time("grow by 100", () => {
      for (let i = 0; i < batchEvents; i += 100) core.grow(levels, 100, treeSize + i, frontier)
    })
    time("grow by 10", () => {
      for (let i = 0; i < batchEvents; i += 10) core.grow(levels, 10, treeSize + i, frontier)
    })
    time("root (once)", () => core.root(frontier, treeSize, out))
    treeSize += 7 * batchEvents
    times.get("root (once)")?.push((times.get("root (once)")?.pop() ?? 0) * batchEvents)
  }
  check(size > 0)
  return new Map([...times].map(([stage, list]) => [stage, median(list)]))
}

function hashWithCrypto(memory: Buffer, leaves: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = memory.readUInt32LE(leaves + 8 * i) - 1
    const length = memory.readUInt32LE(leaves + 8 * i + 4) + 1
    memory.latin1Write(hash("sha256", memory.subarray(at, at + length), "latin1" as never), 0, 32)
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function check(right: boolean): void {
  if (!right) throw new Error("the core judged the bench's events otherwise than expected")
}

for (const [name, make] of [
  ["app", appEvent],
  ["kubernetes", kubernetesEvent],
] as const) {
  const batches = [region(make), region(make), region(make), region(make)]
  const bytes = batches.reduce((sum, batch) => sum + batch.length, 0) / batches.length / batchEvents
  const options = { memoryBytes: 2 ** 24, leavesMax: batchEvents }
  const kinds = ["wasm", "plain"] as const
  const tables = kinds.map((kind) => measure(createCore(options, kind), batches, bytes))
  console.log(
    `\n${name}: ${bytes.toFixed(0)} bytes an event with its length, batches of ${batchEvents}`,
  )
  console.log(`${"µs per event".padEnd(20)}${kinds.map((kind) => kind.padStart(10)).join("")}`)
  for (const stage of tables[0]?.keys() ?? []) {
    const figures = tables.map((table) => (table.get(stage) ?? 0).toFixed(3).padStart(10))
    console.log(stage.padEnd(20) + figures.join(""))
  }
}
