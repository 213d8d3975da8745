import { limits } from "@postern/log/base"
import { type Core, createCore, needlesBytesMax, rowBytes } from "@postern/log/core"
import { slotBytesMax, slotEntriesMax } from "../../disk/index.ts"

/** The core's fixed memory, laid out once. Whoever holds a region's name may write there; nothing ever grows. */
export interface PortMemory {
  readonly core: Core
  /** A BATCH body or an HTTP body, while it is looked at. */
  readonly body: number
  readonly bodyBytes: number
  /** What an adapter makes of a body: an event region of at most a frame's size. */
  readonly events: number
  readonly eventsBytes: number
  readonly rows: number
  readonly rowsMax: number
  readonly spans: number
  readonly spansMax: number
  readonly patterns: number
  readonly patternsBytes: number
  /** What the core remembers of decisions by names: `core.tableBytes`. */
  readonly decisions: number
  /** The needles of the policy. */
  readonly needles: number
  /** Events of the present batch as the policy keeps them, until the next batch. With what every entry has beside its event, they fit a slot. */
  readonly altered: number
  readonly alteredBytes: number
  /** What an event has in common with its copies, while it is compared. */
  readonly compared: number
  /** Small results: a root, a digest, a nonce seed. */
  readonly scratch: number
  readonly frontier: number
  /** Two slots: one fills while the other one is being made durable. */
  readonly slots: readonly [SlotMemory, SlotMemory]
}

export interface SlotMemory {
  /** The slot as it goes to disk: header, records, tail. Page-aligned for O_DIRECT. */
  readonly bytes: number
  /** Offset and length of each leaf. */
  readonly leaves: number
  readonly levels: number
}

const memoryBytes = 53 * 1024 * 1024
const alteredBytes = 3 * 1024 * 1024
const spansMax = 16_384
/** The longest grant of an access list: 1,000 sources of 256 bytes and 1,000 actions of 129, with their heads. */
const patternsBytes = 1_000 * (3 + 256) + 1_000 * (3 + 129) + 1_024

export function layOutMemory(): PortMemory {
  const core = createCore({ memoryBytes, leavesMax: slotEntriesMax })
  const bodyBytes = limits.httpBodyInflatedBytesMax + 65_536
  const slot = (): SlotMemory => ({
    bytes: core.reserve(slotBytesMax, 4096),
    leaves: core.reserve(slotEntriesMax * 8),
    levels: core.reserve(core.levelsBytes),
  })
  return {
    core,
    slots: [slot(), slot()],
    body: core.reserve(bodyBytes),
    bodyBytes,
    events: core.reserve(limits.frameBytesMax),
    eventsBytes: limits.frameBytesMax,
    rows: core.reserve(limits.batchEventsMax * rowBytes),
    rowsMax: limits.batchEventsMax,
    spans: core.reserve(spansMax * 16),
    spansMax,
    patterns: core.reserve(patternsBytes),
    patternsBytes,
    decisions: core.reserve(core.tableBytes),
    needles: core.reserve(needlesBytesMax),
    altered: core.reserve(alteredBytes),
    alteredBytes,
    compared: core.reserve(limits.entryBytesMax),
    scratch: core.reserve(4096),
    frontier: core.reserve(64 * 32),
  }
}
