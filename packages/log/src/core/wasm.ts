import { type Core, type CoreOptions, tableBytes } from "./api.ts"
import { coreWasm } from "./generated/core-wasm.ts"
import { createLayout } from "./layout.ts"
import { findNativeHash, type NativeHash } from "./native.ts"

/**
 * The part of the WebAssembly JavaScript interface that is used here; neither ES nor Node's types
 * declare it.
 */
interface WebAssemblyInterface {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
  validate(bytes: Uint8Array): boolean
}

/**
 * What assembly/index.ts exports. Positions and counts are u32; sizes, times and sequences whole
 * f64.
 */
interface CoreExports
  extends Pick<
    Core,
    | "split"
    | "scan"
    | "recall"
    | "mention"
    | "stamp"
    | "writeLengths"
    | "root"
    | "node"
    | "sha256"
    | "members"
  > {
  firstFree(): number
  /** Leaves out leaves of `longMin` bytes or more and returns how many they were. */
  hashLeaves(leaves: number, from: number, to: number, hashes: number, longMin: number): number
  learn(row: number, context: number, decision: number, table: number): 0 | 1
  mark(...matching: [...Parameters<Core["allow"]>, wanted: 0 | 1]): number
  grow(levels: number, leavesMax: number, count: number, size: number, frontier: number): void
}

const pageBytes = 65_536
const hashBytes = 32

/** From this length on a native hash is faster than one lane of four, its call included. */
const longLeafBytes = 512
/** Up to so many leaves it is faster in any case, since lanes would stay empty. */
const fewLeaves = 15

/** Compiled once: that takes some 20 ms, and more beside it while its functions are made faster; every core is an instance of it. */
let compiled: object | undefined

function compileCore(WebAssembly: WebAssemblyInterface): object | undefined {
  if (compiled !== undefined) return compiled
  const binary = Uint8Array.from(atob(coreWasm), (letter) => letter.charCodeAt(0))
  if (!WebAssembly.validate(binary)) return undefined
  compiled = new WebAssembly.Module(binary)
  return compiled
}

/**
 * The core in WebAssembly, undefined where that or its SIMD instructions are missing. With a native
 * hash it leaves to that what it does better.
 */
export function createWasmCore(
  options: CoreOptions,
  findNative: (memory: Uint8Array<ArrayBuffer>) => NativeHash | undefined = findNativeHash,
): Core | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyInterface }
  const module = WebAssembly && compileCore(WebAssembly)
  if (WebAssembly === undefined || module === undefined) return undefined
  const pages = options.memoryBytes / pageBytes
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const instance = new WebAssembly.Instance(module, { env: { memory } })
  const core = instance.exports as CoreExports
  const bytes = new Uint8Array(memory.buffer)
  const layout = createLayout(options, core.firstFree())
  const native = findNative(bytes)
  return {
    kind: "wasm",
    memory: bytes,
    ...layout,
    split: core.split,
    scan: core.scan,
    allow: (...matching) => core.mark(...matching, 0),
    deny: (...matching) => core.mark(...matching, 1),
    recall: core.recall,
    learn: (...remembered) => core.learn(...remembered) === 1,
    tableBytes,
    mention: core.mention,
    stamp: core.stamp,
    hashLeaves: native === undefined ? withLanes(core) : withBoth(core, bytes, native),
    writeLengths: core.writeLengths,
    grow: (levels, count, size, frontier) =>
      core.grow(levels, options.leavesMax, count, size, frontier),
    root: core.root,
    node: core.node,
    sha256: native ?? core.sha256,
    members: core.members,
  }
}

function withLanes(core: CoreExports): Core["hashLeaves"] {
  return (leaves, from, to, hashes) => {
    core.hashLeaves(leaves, from, to, hashes, 0xffff_ffff)
  }
}

function withBoth(core: CoreExports, memory: Uint8Array, native: NativeHash): Core["hashLeaves"] {
  const view = new DataView(memory.buffer)
  const hashLong = (leaves: number, i: number, hashes: number, lengthMin: number): number => {
    const length = view.getUint32(leaves + 8 * i + 4, true)
    if (length < lengthMin) return 0
    const at = view.getUint32(leaves + 8 * i, true)
    native(at - 1, at + length, hashes + hashBytes * i)
    return 1
  }
  return (leaves, from, to, hashes) => {
    const isFew = to - from <= fewLeaves
    const lengthMin = isFew ? 0 : longLeafBytes
    let left = isFew ? to - from : core.hashLeaves(leaves, from, to, hashes, lengthMin)
    for (let i = from; left > 0; i++) left -= hashLong(leaves, i, hashes, lengthMin)
  }
}
