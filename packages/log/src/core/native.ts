/** Hashes `[at, end)` of a memory to `out` in it. */
export type NativeHash = (at: number, end: number, out: number) => void

/**
 * SHA-256 by Node's own crypto, which has the processor's instructions for it but costs a call for
 * each message. Undefined where there is no Node; asked for at run time, so that bundlers for
 * browsers find nothing to include.
 */
export function findNativeHash(memory: Uint8Array<ArrayBuffer>): NativeHash | undefined {
  const find = globalThis.process?.getBuiltinModule
  if (find === undefined) return undefined
  const { hash } = find("node:crypto")
  const bytes = find("node:buffer").Buffer.from(memory.buffer)
  return (at, end, out) => {
    // A digest as a string of 32 characters is the one form of it that needs no object of its own
    // kind.
    bytes.write(hash("sha256", bytes.subarray(at, end), "binary"), out, 32, "latin1")
  }
}
