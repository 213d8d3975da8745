import type { ErrorCode } from "../base/index.ts"

/**
 * The hot core: scanning, stamping, hashing and growing the tree over one fixed memory, without an
 * object per event. Two implementations keep this contract, `wasm` (AssemblyScript, SIMD) and
 * `plain` (TypeScript); tests compare them.
 *
 * Memory is one fixed block, zero at first, laid out by its owner with `reserve`. All positions are
 * byte offsets into it, those in rows, lists and spans too. Nothing here grows the memory, so views
 * of it and writes in flight stay valid. The bytes behind a region may be read, but never decide.
 *
 * Positions, counts and numbers come from the owner, and wrong ones are its mistake: they are not
 * checked. What stands in a region (frames, events, texts) is hostile.
 */
export interface Core {
  readonly kind: "wasm" | "plain"
  /** The whole memory. The same object for the life of the core. */
  readonly memory: Uint8Array
  /**
   * Takes `bytes` bytes out of the memory for good, at a multiple of `align` (a power of two, 64 if
   * not given; 4096 for direct I/O), with at least 128 unused bytes behind them. Throws if there is
   * no room.
   */
  reserve(bytes: number, align?: number): number

  /**
   * Splits `[at, end)`, a sequence of `u32be length | event`, into rows at `rows` (rowBytes each):
   * offset and length are set, all else is zeroed. Returns the count, or -1 if the region is not
   * exactly that or holds more than `rowsMax` events. An event of length 0 is one; scan refuses it.
   */
  split(at: number, end: number, rows: number, rowsMax: number): number
  /**
   * Scans the events of `count` rows as docs/spec/event.md demands; of a row, offset and length are
   * read and everything else is set. The first problem in byte order decides the verdict: a key, a
   * text or a number is judged when it is complete, a type by the first byte of the value, and
   * whether a required field is missing when all was read. An event with `_sd` of which nothing else
   * is wrong gets the verdict `disclosure`. Returns how many rows have a verdict other than 0.
   */
  scan(rows: number, count: number): number
  /**
   * Sets `verdict` on each row with verdict 0 whose field (a rowField of the five spans) matches no
   * pattern. Patterns at `[patterns, patternsEnd)`: `u8 kind (0 = whole value, 1 = prefix) | u16be
   * length | bytes`. Returns how many rows it marked.
   */
  allow(
    rows: number,
    count: number,
    field: number,
    patterns: number,
    patternsEnd: number,
    verdict: number,
  ): number
  /** As `allow`, the other way round: marks the rows that DO match a pattern. */
  deny(
    rows: number,
    count: number,
    field: number,
    patterns: number,
    patternsEnd: number,
    verdict: number,
  ): number
  /**
   * Sets `decision` of each row with verdict 0 to the number learned in `table` for (context,
   * source, action, outcome), 0 if there is none. Returns how many rows got 0. @param context any
   * u32 @param table a region of tableBytes, zero at first
   */
  recall(rows: number, count: number, context: number, table: number): number
  /**
   * Remembers `decision` for the row's (context, source, action, outcome), in place of what was
   * remembered for it. False: the table has no room for another key; its owner forgets everything
   * with `memory.fill(0, table, table + tableBytes)`. There is room for thousands of keys, and no
   * choice of texts makes a look-up long. @param decision 1 to 2^31 - 1
   */
  learn(row: number, context: number, decision: number, table: number): boolean
  /** Bytes of a table of recall and learn. Two cores do not read each other's. */
  readonly tableBytes: number
  /**
   * ORs into `mentions` of each row with verdict 0 the groups (bit 0 to 7) of all needles that stand
   * in the event's bytes outside of the five texts whose spans the row holds; `needles` is a region
   * with what encodeNeedles gave. Returns how many of these rows have a mention. Needs time linear in
   * the bytes.
   */
  mention(rows: number, count: number, needles: number): number
  /**
   * Writes the record of every row with verdict 0 to `to`: two bytes 0x00, stamp, LF, event
   * (docs/spec/log.md). Position j in the batch is the row's number: its sequence is `sequence +
   * j`, its nonce comes from the 16 bytes at `seed`. Each record adds (offset, length) of its leaf,
   * two u32 little-endian, at `leaves`. A row whose leaf would exceed 65,535 bytes gets verdict
   * `verdicts.tooLarge` and no record. Returns the end of the last record. The caller has made sure
   * of room: at most (98 + event length) bytes a row, in a region apart from the events. @param
   * received microseconds since the epoch, below 2^53 @param open below 10^14 @param sequence of
   * the first row; that of the last one is below 10^14 @param changed 0 to 7, of every row whose
   * own `changed` is 0
   */
  stamp(
    rows: number,
    count: number,
    to: number,
    leaves: number,
    received: number,
    open: number,
    sequence: number,
    changed: number,
    seed: number,
  ): number
  /**
   * Leaf hashes of the records `[from, to)` of the list at `leaves`, 32 bytes each, to `hashes + 32
   * * i`.
   */
  hashLeaves(leaves: number, from: number, to: number, hashes: number): void
  /**
   * Writes each leaf's u16be length into the two bytes before it. After this hashLeaves no longer
   * works on them.
   */
  writeLengths(leaves: number, count: number): void
  /**
   * Grows the tree: `count` leaf hashes stand at `levelStart(levels, 0)`; the tree had `size`
   * leaves and its full peaks at `frontier` (64 x 32 bytes, by level). Computes every full node
   * that this completes, level by level: the nodes of level k stand from `levelStart(levels, k)`,
   * the first one having the node index `floor(size / 2^k)`, up to (without) `floor((size + count)
   * / 2^k)`. Updates the frontier to size + count; what it holds at levels without a peak has no
   * meaning. `count` is at most the core's leavesMax, size + count below 2^53.
   */
  grow(levels: number, count: number, size: number, frontier: number): void
  /** Byte offset of the first node of level k in a levels region. */
  levelStart(levels: number, level: number): number
  /** Bytes of a levels region for at most leavesMax leaves at a time. */
  readonly levelsBytes: number
  /** Root of the tree of `size` leaves whose peaks are at `frontier`, written to `out`. */
  root(frontier: number, size: number, out: number): void
  /**
   * RFC 6962 interior node of the 32 bytes at `left` and at `right`, to `out` (which may be
   * either).
   */
  node(left: number, right: number, out: number): void
  /** SHA-256 of `[at, end)` to `out`. */
  sha256(at: number, end: number, out: number): void
  /**
   * The members of one strict JSON object, or the elements of one strict JSON array, that fills
   * `[at, end)` apart from white space: for each one four u32 little-endian at `spans`: key offset,
   * key length (0, 0 in an array), value offset, value length; a key is without quotes, a string
   * value is with them. Returns the count, -1 if the text is not one strict JSON object or array
   * (depth at most 34), -2 if there are more than `spansMax` (nothing beyond is written). Duplicate
   * and escaped keys are not judged here. What stands at
   * `spans` after -1 has no meaning.
   */
  members(at: number, end: number, spans: number, spansMax: number): number
}

/**
 * A row: u32 little-endian where nothing else is said. Offsets are in bytes from the start of the
 * row.
 */
export const rowBytes = 64
export const rowField = {
  offset: 0,
  length: 4,
  /** 0 = accepted so far; else one of `verdicts`. */
  verdict: 8,
  /**
   * Where the problem stands, counted from the event's first byte: the byte that cannot follow, the
   * first byte of a character that is not UTF-8, the bracket that is too deep, the opening quote of
   * a key, the first byte of a value. The event's length if it was cut, lacks a field, or is
   * accepted.
   */
  position: 12,
  /**
   * Spans: offset and length without the quotes, two u32 each. Zero unless scan accepts the event or
   * gives it `disclosure`.
   */
  id: 16,
  time: 24,
  source: 32,
  action: 40,
  outcome: 48,
  /** What `recall` found, u32; zero after split and scan, as the next two. */
  decision: 56,
  /** u8: the stamp's `c`, if not 0 instead of the batch's; its owner sets it between scan and stamp. */
  changed: 60,
  /** u8: groups of needles, set by `mention`. */
  mentions: 61,
} as const

/** Verdicts on one event; each is an error code of the registry. */
export const verdicts = {
  accepted: 0,
  syntax: 1,
  utf8: 2,
  depth: 3,
  duplicateKey: 4,
  escapedKey: 5,
  unknownKey: 6,
  missingField: 7,
  fieldType: 8,
  fieldValue: 9,
  version: 10,
  tooLarge: 11,
  selfAction: 12,
  sourceNotGranted: 13,
  actionNotGranted: 14,
  /** Nothing else is wrong: the event names digests (`_sd`), and the caller knows which he holds. */
  disclosure: 15,
  /** Nothing is wrong: the policy of this port keeps less than all of these events. */
  notKept: 16,
} as const

/** The registry's code of each verdict, by its number. The code of 0 is never asked for. */
export const verdictCodes: readonly ErrorCode[] = [
  "EVENT_SYNTAX",
  "EVENT_SYNTAX",
  "EVENT_UTF8",
  "EVENT_DEPTH",
  "EVENT_DUPLICATE_KEY",
  "EVENT_ESCAPED_KEY",
  "EVENT_UNKNOWN_KEY",
  "EVENT_MISSING_FIELD",
  "EVENT_FIELD_TYPE",
  "EVENT_FIELD_VALUE",
  "EVENT_VERSION",
  "EVENT_TOO_LARGE",
  "EVENT_SELF_ACTION",
  "EVENT_SOURCE_NOT_GRANTED",
  "EVENT_ACTION_NOT_GRANTED",
  "EVENT_DISCLOSURE",
  "EVENT_NOT_KEPT",
]

/** Bytes of a table of recall and learn, in either core. */
export const tableBytes = 2 ** 20

export interface CoreOptions {
  /** Bytes of memory, a multiple of 65,536. */
  readonly memoryBytes: number
  /** The most leaves that one `grow` gets. */
  readonly leavesMax: number
}
