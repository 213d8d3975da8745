import { assert } from "../base/index.ts"
import type { Core, CoreOptions } from "./api.ts"
import { createPlainCore } from "./plain/core.ts"
import { createWasmCore } from "./wasm.ts"

/**
 * A core with its own memory. Without `kind`: the WebAssembly one where its SIMD instructions are
 * there, else the plain one.
 */
export function createCore(options: CoreOptions, kind?: Core["kind"]): Core {
  if (kind === "plain") return createPlainCore(options)
  const core = createWasmCore(options)
  assert(core !== undefined || kind === undefined, "WebAssembly SIMD is there if it was asked for")
  return core ?? createPlainCore(options)
}
