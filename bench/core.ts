/**
 * The core by stage: microseconds per event for both implementations, with Node's crypto beside the
 * leaf hashes. `node bench/core.ts` on a quiet machine; each figure is a median over many batches.
 */
import { hash, randomBytes } from "node:crypto"
import {
  type Core,
  createCore,
  encodeNeedles,
  rowBytes,
  rowField,
  verdicts,
} from "@postern/log/core"
import { parsePolicy, startingPolicy } from "../packages/server/dist/policy/rules/index.js"
import { openSieve } from "../packages/server/dist/policy/sieve/index.js"
import { eventKinds } from "./events.ts"
import { createRegions, type Region } from "./regions.ts"

const batchEvents = 1000
const regionBytesMax = 2 ** 21

/** The first rounds only warm the compilers up. */
const warmRounds = 40
const rounds = 40

const hashBytes = 32

interface Places {
  readonly at: number
  readonly rows: number
  readonly to: number
  readonly leaves: number
  readonly hashes: number
  readonly levels: number
  readonly frontier: number
  readonly seed: number
  readonly patterns: number
  readonly patternsEnd: number
  readonly out: number
  readonly table: number
  readonly needles: number
}

/** What the policy that `init` writes looks for in events. */
const { needles: startingNeedles } = openSieve(
  parsePolicy(startingPolicy()),
  { mac: noKeys, keepOut: noKeys },
  { shortLived: new Set() },
)

function noKeys(): never {
  throw new Error("needles need no keys")
}

function reserve(core: Core): Places {
  const patterns = core.reserve(64)
  const sources = Buffer.from("\x01\x00\x06app://\x01\x00\x0dkubernetes://", "latin1")
  core.memory.set(sources, patterns)
  const seed = core.reserve(16)
  core.memory.set(randomBytes(16), seed)
  const region = encodeNeedles(startingNeedles)
  const needles = core.reserve(region.length)
  core.memory.set(region, needles)
  return {
    at: core.reserve(regionBytesMax),
    rows: core.reserve(rowBytes * batchEvents),
    to: core.reserve(regionBytesMax + 98 * batchEvents),
    leaves: core.reserve(8 * batchEvents),
    hashes: core.reserve(hashBytes * batchEvents),
    levels: core.reserve(core.levelsBytes),
    frontier: core.reserve(64 * hashBytes),
    seed,
    patterns,
    patternsEnd: patterns + sources.length,
    out: core.reserve(hashBytes),
    table: core.reserve(core.tableBytes),
    needles,
  }
}

interface Stage {
  readonly name: string
  readonly work: () => unknown
  /** How often the work of one event is in it; 1000 makes it "per call". */
  readonly scale?: number
}

/** The stages in the order of a batch's life; each leaves behind what the next one needs. */
function stagesOf(core: Core, places: Places, end: () => number): readonly Stage[] {
  const { at, rows, to, leaves, hashes, levels, frontier, seed, out } = places
  const { patterns, patternsEnd, table, needles } = places
  const [field, mark] = [rowField.source, verdicts.sourceNotGranted]
  const memory = Buffer.from(core.memory.buffer)
  const start = core.levelStart(levels, 0)
  const received = 1_764_000_000_000_000
  const size = 12_345_678
  const growBy = (step: number) => () => {
    for (let i = 0; i < batchEvents; i += step) core.grow(levels, step, size + i, frontier)
  }
  return [
    { name: "split", work: () => check(core.split(at, end(), rows, batchEvents), batchEvents) },
    { name: "scan", work: () => check(core.scan(rows, batchEvents), 0) },
    {
      name: "allow",
      work: () => check(core.allow(rows, batchEvents, field, patterns, patternsEnd, mark), 0),
    },
    { name: "recall", work: () => recallOrLearn(core, rows, table) },
    { name: "mention", work: () => core.mention(rows, batchEvents, needles) },
    {
      name: "stamp",
      work: () => core.stamp(rows, batchEvents, to, leaves, received, 12, 345_678, 0, seed),
    },
    { name: "hashLeaves", work: () => core.hashLeaves(leaves, 0, batchEvents, hashes) },
    { name: "(crypto.hash)", work: () => hashWithNode(memory, leaves, hashes) },
    {
      name: "grow by 1000",
      work: () => {
        core.memory.copyWithin(start, hashes, hashes + hashBytes * batchEvents)
        growBy(batchEvents)()
      },
    },
    { name: "grow by 100", work: growBy(100) },
    { name: "grow by 10", work: growBy(10) },
    { name: "root, per call", work: () => core.root(frontier, size, out), scale: batchEvents },
    { name: "node, per call", work: () => core.node(start, frontier, out), scale: batchEvents },
  ]
}

/** What is not known is learned, which happens in the first rounds. */
function recallOrLearn(core: Core, rows: number, table: number): void {
  if (core.recall(rows, batchEvents, 0, table) === 0) return
  const view = new DataView(core.memory.buffer, core.memory.byteOffset)
  for (let row = rows; row < rows + rowBytes * batchEvents; row += rowBytes) {
    if (view.getUint32(row + rowField.decision, true) === 0) core.learn(row, 0, 1, table)
  }
}

/** What the plain way costs: one call and one string for each leaf, the list read from memory. */
function hashWithNode(memory: Buffer, leaves: number, hashes: number): void {
  for (let i = 0; i < batchEvents; i++) {
    const leaf = memory.readUInt32LE(leaves + 8 * i)
    const message = memory.subarray(leaf - 1, leaf + memory.readUInt32LE(leaves + 8 * i + 4))
    memory.write(hash("sha256", message, "binary"), hashes + hashBytes * i, hashBytes, "latin1")
  }
}

function check(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`the core counts ${found} where ${wanted} are right`)
}

function measure(kind: Core["kind"], regions: readonly Region[]): Map<string, number> {
  const core = createCore({ memoryBytes: 2 ** 24, leavesMax: batchEvents }, kind)
  const places = reserve(core)
  let end = 0
  const stages = stagesOf(core, places, () => end)
  const times = new Map<string, number[]>(stages.map(({ name }) => [name, []]))
  for (let round = -warmRounds; round < rounds; round++) {
    const bytes = regions[(round + warmRounds) % regions.length]?.bytes ?? Buffer.alloc(0)
    core.memory.set(bytes, places.at)
    end = places.at + bytes.length
    for (const { name, work, scale = 1 } of stages) {
      const start = performance.now()
      work()
      const micros = (1000 * (performance.now() - start)) / batchEvents
      if (round >= 0) times.get(name)?.push(micros * scale)
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

const kinds = ["wasm", "plain"] as const
for (const event of eventKinds) {
  const regions = createRegions(event, batchEvents)
  const bytes = regions.reduce((sum, region) => sum + region.bytes.length, 0) / regions.length
  const tables = kinds.map((kind) => measure(kind, regions))
  const size = (bytes / batchEvents - 4).toFixed(0)
  console.log(`\n${event}: events of ${size} bytes, batches of ${batchEvents}; µs per event\n`)
  console.log(`${"stage".padEnd(16)}${kinds.map((kind) => kind.padStart(10)).join("")}`)
  for (const name of tables[0]?.keys() ?? []) {
    const figures = tables.map((table) => table.get(name)?.toFixed(3).padStart(10))
    console.log(name.padEnd(16) + figures.join(""))
  }
}
