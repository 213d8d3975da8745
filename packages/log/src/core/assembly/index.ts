/**
 * The WebAssembly half of the core (see ../api.ts): raw memory, no allocation, no import but the
 * memory.
 */
export { hashLeaves, sha256 } from "./lanes"
export { mention } from "./mention"
export { learn, recall } from "./recall"
export { mark, split, writeLengths } from "./rows"
export { members, scan } from "./scan"
export { stamp } from "./stamp"
export { grow, node, root } from "./tree"

/** Where regions may begin: behind the statics of this module. */
export function firstFree(): usize {
  return __heap_base
}
