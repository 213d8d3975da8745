import { randomBytes } from "node:crypto"
import { assert, concatBytes, encodeUtf8, sha256 } from "@postern/log/base"
import { deriveNonce, formatStamp } from "@postern/log/event"
import {
  alignSlot,
  batchKind,
  batchRowBytes,
  decodeRawSlot,
  encodeBatchRow,
  encodeSlotHeader,
  LogStore,
  RawSlotPlanner,
  slotHeaderBytes,
  TreeBuilder,
} from "../../disk/index.ts"

/**
 * Makes a log directory whose first entry is this event, in the port's own stream. The port that starts on it signs the
 * slot's receipt, as it does for every slot that its last life has left. Errors: LOG_LOCKED, DISK_FULL, DISK_FAILED.
 * @param received microseconds
 */
export async function beginLog(
  path: string,
  origin: string,
  event: object,
  received: number,
): Promise<void> {
  const nothing = { begin: () => undefined, slot: () => undefined }
  const store = await LogStore.open(path, origin, nothing)
  try {
    assert(store.end.slot === 0, "the log is new")
    const tree = new TreeBuilder(0, new Uint8Array(64 * 32))
    const bytes = encodeFirstSlot(event, received, tree)
    const slot = decodeRawSlot(bytes)
    assert(slot !== undefined, "what was just encoded is a slot")
    const plan = new RawSlotPlanner().plan(bytes, slot, tree)
    await store.commit(plan)
    store.advance(store.headOf(plan))
  } finally {
    await store.close()
  }
}

function encodeFirstSlot(event: object, received: number, tree: TreeBuilder): Uint8Array {
  const seed = new Uint8Array(randomBytes(16))
  const nonce = deriveNonce(seed, 0)
  const stamp = formatStamp({ received, open: 0, sequence: 0, nonce, changed: 0 })
  const leaf = encodeUtf8(`${stamp}\n${JSON.stringify(event)}`)
  const records = concatBytes(Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf)
  tree.add(records)
  const row = new Uint8Array(batchRowBytes)
  const place = { open: 0, sequence: 0, events: 1, accepted: 1, first: 0, received, changed: 0 }
  encodeBatchRow({ ...place, kind: batchKind.port, seed, digest: new Uint8Array(32) }, row, 0)
  const bytes = new Uint8Array(alignSlot(slotHeaderBytes + records.length + row.length))
  bytes.set(concatBytes(records, row), slotHeaderBytes)
  const lengths = { recordsBytes: records.length, batches: 1, receiptBytes: 0 }
  const chain = { previous: new Uint8Array(32), root: tree.root(), tail: sha256(row) }
  const shape = { generation: 1, bytes: bytes.length, slot: 0, first: 0, entries: 1 }
  encodeSlotHeader({ ...shape, ...lengths, ...chain, time: received }, bytes)
  return bytes
}
