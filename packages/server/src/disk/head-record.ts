import { encodeUtf8, equalBytes, sha256 } from "@postern/log/base"
import type { Head } from "./log-view.ts"
import { getUint64, setUint64 } from "./slot.ts"

/** The head record (docs/spec/disk.md, Head): how far followers may go. */
export const headBytes = 128
const magic = encodeUtf8("posthead")

export function encodeHead(head: Head): Uint8Array {
  const bytes = new Uint8Array(headBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(magic, 0)
  setUint64(view, 8, head.slot)
  setUint64(view, 16, head.size)
  setUint64(view, 24, head.segment)
  setUint64(view, 32, head.end)
  setUint64(view, 40, head.time)
  bytes.set(head.root, 48)
  setUint64(view, 80, head.minimum)
  bytes.set(sha256(bytes.subarray(0, 96)), 96)
  return bytes
}

/** Undefined for a record that is torn or was never written. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  if (bytes.length !== headBytes || !equalBytes(bytes.subarray(0, 8), magic)) return undefined
  if (!equalBytes(sha256(bytes.subarray(0, 96)), bytes.subarray(96))) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes)
  return {
    slot: getUint64(view, 8),
    size: getUint64(view, 16),
    segment: getUint64(view, 24),
    end: getUint64(view, 32),
    time: getUint64(view, 40),
    root: new Uint8Array(bytes.subarray(48, 80)),
    minimum: getUint64(view, 80),
  }
}
