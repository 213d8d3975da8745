import type { Core, CoreOptions } from "./api.ts"
import { coreWasm } from "./generated/core-wasm.ts"
import { createLayout } from "./layout.ts"

/** The part of the WebAssembly JavaScript interface that is used here; neither ES nor Node's types declare it. */
interface WebAssemblyInterface {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
  validate(bytes: Uint8Array): boolean
}

/** What assembly/index.ts exports. Positions and counts are u32; sizes, times and sequences whole f64. */
interface CoreExports
  extends Pick<
    Core,
    | "split"
    | "scan"
    | "stamp"
    | "hashLeaves"
    | "writeLengths"
    | "root"
    | "node"
    | "sha256"
    | "members"
  > {
  firstFree(): number
  mark(...matching: [...Parameters<Core["allow"]>, wanted: 0 | 1]): number
  grow(levels: number, leavesMax: number, count: number, size: number, frontier: number): void
}

const pageBytes = 65_536

/** The core in WebAssembly, undefined where that or its SIMD instructions are missing. */
export function createWasmCore(options: CoreOptions): Core | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyInterface }
  const bytes = Uint8Array.from(atob(coreWasm), (letter) => letter.charCodeAt(0))
  if (WebAssembly === undefined || !WebAssembly.validate(bytes)) return undefined
  const pages = options.memoryBytes / pageBytes
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  const core = instance.exports as CoreExports
  const layout = createLayout(options, core.firstFree())
  return {
    kind: "wasm",
    memory: new Uint8Array(memory.buffer),
    ...layout,
    split: core.split,
    scan: core.scan,
    allow: (...matching) => core.mark(...matching, 0),
    deny: (...matching) => core.mark(...matching, 1),
    stamp: core.stamp,
    hashLeaves: core.hashLeaves,
    writeLengths: core.writeLengths,
    grow: (levels, count, size, frontier) =>
      core.grow(levels, options.leavesMax, count, size, frontier),
    root: core.root,
    node: core.node,
    sha256: core.sha256,
    members: core.members,
  }
}
