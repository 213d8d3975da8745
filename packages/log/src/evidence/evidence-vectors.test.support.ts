/** The files of docs/spec/vectors/evidence, made again from fixed keys (tools/evidence-vectors.ts writes them). */
import { gzipSync } from "node:zlib"
import { concatBytes, encodeUtf8, formatBase64 } from "../base/index.ts"
import { formatCheckpoint, signNote } from "../tlog/index.ts"
import { addDisclosures, addRenewals } from "./disclosure-vectors.test.support.ts"
import { type FilePlan, linesOf, makeFile, makeFork, seal } from "./evidence-file.test.support.ts"
import {
  cosign,
  ed25519Writer,
  logKey,
  origin,
  p256Writer,
  strangeKey,
  TestLog,
  type TestStream,
  witnessOf,
} from "./evidence-log.test.support.ts"
import type { EvidenceCounts, FindingCode, Verdict } from "./index.ts"
import { addKeys, keyPolicies } from "./key-vectors.test.support.ts"

export interface EvidenceVector {
  readonly file: string
  /** What it shows. */
  readonly about: string
  /** Name of one of the policies. */
  readonly policy: string
  readonly verdict: Verdict
  /** Of an INVALID one: code of the first finding. */
  readonly finding?: FindingCode
  readonly counts?: Partial<EvidenceCounts>
}

export interface EvidenceVectors {
  readonly policies: Readonly<Record<string, string>>
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly vectors: readonly EvidenceVector[]
}

const witnesses = [witnessOf("witness.example/a", 21), witnessOf("witness.example/b", 22)] as const
const [witnessA, witnessB] = witnesses
const strangeWitness = witnessOf("witness.example/c", 23)

const policies: Record<string, string> = {
  alone: `log ${logKey.vkey}\nquorum none\n`,
  quorum: [
    "# two witnesses, both are needed",
    `log ${logKey.vkey}`,
    `witness a ${witnessA.witnessVkey}`,
    `witness b ${witnessB.witnessVkey} https://witness.example/b`,
    "group both all a b",
    "quorum both\n",
  ].join("\n"),
  any: [
    `log ${logKey.vkey}`,
    `witness a ${witnessA.witnessVkey}`,
    `witness b ${witnessB.witnessVkey}`,
    "group one any a b",
    "quorum one\n",
  ].join("\n"),
  stranger: `log ${strangeKey.vkey}\nquorum none\n`,
}

/** Two lives of a port; a signed stream with a refusal and a gap in it, one by ECDSA, one that the port numbers. */
function writeLog() {
  const log = new TestLog()
  log.start()
  const app = log.open("spiffe://example/app", "a1".repeat(16), ed25519Writer(31))
  log.batch(app, 4)
  const http = log.open("spiffe://example/web", "http", undefined, false)
  log.batch(http, 3, { changed: 1 })
  log.batch(app, 2)
  const firstBeat = log.beat(app)
  log.batch(http, 2, { refused: [1] })
  log.batch(app, 5, { refused: [2] })
  log.batch(app, 3)
  const secondBeat = log.beat(app)
  log.start()
  const pay = log.open("spiffe://example/pay", "b2".repeat(16), p256Writer(32))
  log.batch(pay, 3)
  log.gap(app, 6)
  log.batch(app, 2)
  log.batch(pay, 2)
  const closed = log.beat(app, "close")
  const payBeat = log.beat(pay)
  return { log, app, http, pay, firstBeat, secondBeat, closed, payBeat }
}

type Written = ReturnType<typeof writeLog>

/** Leaves of the stream, and the port's entries about what is not there and what was signed. */
function streamPlan(
  { log }: Written,
  stream: TestStream,
  note: string,
  more: Partial<FilePlan> = {},
): FilePlan {
  const decoder = new TextDecoder()
  const leaves = log.leaves.flatMap((leaf, index) => {
    const text = decoder.decode(leaf)
    const own = text.includes(`"o":${stream.open},`)
    const about = text.includes(`"stream":"${stream.id}"`) && !text.includes("stream.opened")
    return own || about ? [index] : []
  })
  const claim = { open: stream.open, first: 0, next: stream.next }
  return { kind: "stream", claim, leaves, batches: stream.rows, note, ...more }
}

const steps = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

export async function makeVectors(): Promise<EvidenceVectors> {
  const written = writeLog()
  const { log } = written
  const note = await log.checkpoint(log.size, witnesses)
  const made = new Made()
  await addGood(made, written, note)
  await addChangedEntries(made, written, note)
  await addChangedLines(made, written, note)
  await addChangedBytes(made, written, note)
  await addNotes(made, written)
  await addStreams(made, written, note)
  await addKeys(made, witnesses)
  await addDisclosures(made, witnesses)
  await addRenewals(made, witnesses)
  return {
    policies: { ...policies, ...keyPolicies(witnesses) },
    files: made.files,
    vectors: made.vectors,
  }
}

export class Made {
  readonly files = new Map<string, Uint8Array>()
  readonly vectors: EvidenceVector[] = []

  good(
    name: string,
    about: string,
    bytes: Uint8Array,
    policy: string,
    verdict: Verdict,
    counts?: readonly [leaves: number, signed: number, asserted: number, unknown: number],
    more: Partial<EvidenceCounts> = {},
  ): void {
    const file = `${name}.postern.ndjson`
    this.files.set(file, bytes)
    const [leaves = 0, writerSigned = 0, portAsserted = 0, unknown = 0] = counts ?? []
    const tally =
      counts === undefined
        ? {}
        : { counts: { leaves, writerSigned, portAsserted, unknown, ...more } }
    this.vectors.push({ file, about, policy, verdict, ...tally })
  }

  bad(
    name: string,
    about: string,
    bytes: Uint8Array,
    finding: FindingCode,
    policy = "quorum",
  ): void {
    const file = `bad-${name}.postern.ndjson`
    this.files.set(file, bytes)
    this.vectors.push({ file, about, policy, verdict: "INVALID", finding })
  }

  /** An existing file under another policy. */
  again(
    name: string,
    about: string,
    policy: string,
    verdict: Verdict,
    finding?: FindingCode,
  ): void {
    const file = `${name}.postern.ndjson`
    this.vectors.push({
      file,
      about,
      policy,
      verdict,
      ...(finding === undefined ? {} : { finding }),
    })
  }
}

async function addGood(made: Made, written: Written, note: string): Promise<void> {
  const { log, app, http, pay } = written
  const set = {
    kind: "set",
    claim: { query: { actor: "user-1" } },
    leaves: [3, 9, 21],
    note,
  } as const
  const setFile = await makeFile(log, set)
  made.good("set", "three entries, witnessed", setFile, "quorum", "WITNESSED", [3, 0, 3, 0])
  made.again("set", "the policy asks for no witness", "alone", "SIGNED-ONLY")
  made.again("set", "one witness is enough", "any", "WITNESSED")
  made.again("set", "under the key of another log", "stranger", "INVALID", "note")
  const bare = await makeFile(log, { ...set, context: false })
  made.good("set-bare", "without opening entries", bare, "quorum", "WITNESSED", [3, 0, 0, 3])
  const escaped = seal(linesOf(setFile).map((line) => line.replaceAll("—", "\\u2014")))
  made.good("set-escaped", "a note with escapes", escaped, "quorum", "WITNESSED", [3, 0, 3, 0])
  const alone = await makeFile(log, { ...set, note: await log.checkpoint(log.size, [witnessA]) })
  made.good("set-one-witness", "one of two witnesses", alone, "quorum", "SIGNED-ONLY", [3, 0, 3, 0])
  made.again("set-one-witness", "one of two is enough", "any", "WITNESSED")
  const packed = gzipSync(setFile)
  made.good("set-packed", "the same, packed", packed, "quorum", "WITNESSED", [3, 0, 3, 0])
  const range = {
    kind: "range",
    claim: { first: 7, count: 9 },
    leaves: steps(7, 16),
    note,
  } as const
  made.good(
    "range",
    "nine in a row",
    await makeFile(log, range),
    "quorum",
    "WITNESSED",
    [9, 0, 9, 0],
  )
  const all = { first: 0, count: log.size }
  const whole = await makeFile(log, { ...range, claim: all, leaves: steps(0, log.size) })
  const count = log.size
  made.good("range-whole", "the whole log: no path", whole, "quorum", "WITNESSED", [
    count,
    0,
    count,
    0,
  ])
  const stream = await makeFile(log, streamPlan(written, app, note))
  const about = "signed but for the batches before a refusal and a gap"
  made.good("stream", about, stream, "quorum", "WITNESSED", [20, 11, 9, 0])
  const p256 = await makeFile(log, streamPlan(written, pay, note))
  made.good("stream-p256", "signed with ECDSA", p256, "quorum", "WITNESSED", [6, 5, 1, 0])
  const numbered = await makeFile(log, streamPlan(written, http, note, { batches: [] }))
  const byPort = "a stream that the port numbers"
  made.good("stream-http", byPort, numbered, "quorum", "WITNESSED", [5, 0, 5, 0])
  const forkText = formatCheckpoint({ origin, size: log.size, root: new Uint8Array(32).fill(7) })
  const forkNote = await signNote(forkText, logKey)
  const fork = await makeFork(note, forkNote)
  made.good("fork", "two roots for one size", fork, "quorum", "FORK-EVIDENCE", [0, 0, 0, 0])
}

type Edit = (lines: string[]) => readonly string[]

/** Seals what an edit makes of the lines of a small set. */
async function editor(made: Made, log: TestLog, note: string) {
  const lines = linesOf(await makeFile(log, { kind: "set", claim: {}, leaves: [3, 9, 21], note }))
  const edit = (name: string, about: string, change: Edit, finding: FindingCode) =>
    made.bad(name, about, seal(change([...lines])), finding)
  const replace = (at: number, from: string | RegExp, to: string): Edit => {
    return (all) => all.with(at, (all[at] as string).replace(from, to))
  }
  const leafAt = lines.findIndex((line) => line.startsWith('{"leaf":[9,'))
  return { lines, edit, replace, leafAt, last: lines.length - 1 }
}

async function addChangedEntries(made: Made, { log }: Written, note: string): Promise<void> {
  const { lines, edit, replace, leafAt, last } = await editor(made, log, note)
  const leaf = lines[leafAt] as string
  edit("leaf-changed", "a byte of a leaf", replace(leafAt, /.{8}"\]\}$/, 'AAAA"]}'), "leaf")
  const other = new TextDecoder().decode(log.leaves[9]).replace("approved", "rejected")
  const forged = `{"leaf":[9,"${formatBase64(encodeUtf8(other))}"]}`
  edit("leaf-forged", "another event in the same place", (all) => all.with(leafAt, forged), "tree")
  edit("leaf-moved", "a leaf at another index", replace(leafAt, "[9,", "[10,"), "tree")
  edit("leaf-missing", "one leaf left out", (all) => all.toSpliced(leafAt, 1), "count")
  edit("leaf-hidden", "left out and not counted", hideLeaf(leafAt), "tree")
  edit("leaf-twice", "a leaf twice", (all) => all.toSpliced(leafAt, 0, leaf), "order")
  edit("leaf-as-context", "a leaf made context", replace(leafAt, "leaf", "context"), "count")
  edit("leaves-swapped", "not ascending", swap(leafAt), "order")
  edit("hash-missing", "a path too short", shortenPath(last), "tree")
  edit(
    "hash-twice",
    "a path too long",
    (all) => [...all, `{"hashes":"${"A".repeat(43)}="}`],
    "tree",
  )
  edit(
    "hash-changed",
    "another hash",
    replace(last, /^\{"hashes":"..../, '{"hashes":"AAAA'),
    "tree",
  )
  edit(
    "hash-short",
    "a hash of 31 bytes",
    replace(last, /"hashes":".*"/, `"hashes":"${"A".repeat(40)}AA=="`),
    "line",
  )
}

async function addChangedLines(made: Made, { log }: Written, note: string): Promise<void> {
  const { lines, edit, replace, leafAt, last } = await editor(made, log, note)
  edit("line-escaped", "base64 with an escape", replace(leafAt, '"ey', '"\\u0065y'), "line")
  edit("line-unknown", "a line of another name", (all) => [...all, '{"more":1}'], "line")
  edit("line-spaced", "white space between tokens", replace(leafAt, ":[", ": ["), "line")
  edit("line-number", "an index with a zero before it", replace(leafAt, "[9,", "[09,"), "line")
  edit("line-base64", "base64 without its padding", replace(leafAt, /=+"\]/, '"]'), "line")
  edit("head-member", "a member too many", replace(0, '"count"', '"more":1,"count"'), "line")
  edit("head-twice", "a member of the claim twice", replace(0, "{}", '{"a":1,"a":2}'), "line")
  edit(
    "head-order",
    "members in another order",
    replace(0, /^(\{)("postern":[^,]*,)("origin":[^,]*,)/, "$1$3$2"),
    "line",
  )
  edit("head-count", "a count of one more", replace(0, '"count":3', '"count":4'), "count")
  edit("head-origin", "another origin", replace(0, origin, "log.example/other"), "origin")
  edit("head-again", "two heads", (all) => [lines[0] as string, ...all], "order")
  edit(
    "note-after",
    "the note after the leaves",
    ([head = "", first = "", ...rest]) => [head, ...rest, first],
    "order",
  )
  edit("note-missing", "no note", ([head = "", , ...rest]) => [head, ...rest], "order")
  edit(
    "batch-in-set",
    "a batch line in a set",
    (all) => all.toSpliced(last, 0, `{"batch":[0,1,"${"A".repeat(43)}="]}`),
    "order",
  )
}

function hideLeaf(at: number): Edit {
  return (all) => all.with(0, (all[0] as string).replace('"count":3', '"count":2')).toSpliced(at, 1)
}

function swap(at: number): Edit {
  return (all) => all.with(at, all[at + 1] as string).with(at + 1, all[at] as string)
}

/** Base64 of 32 bytes each: the first 128 letters are 96 bytes. */
function shortenPath(at: number): Edit {
  return (all) => all.with(at, (all[at] as string).replace(/^(\{"hashes":")(.{128}).*/, '$1$2"}'))
}

async function addChangedBytes(made: Made, { log }: Written, note: string): Promise<void> {
  const file = await makeFile(log, { kind: "set", claim: {}, leaves: [3, 9, 21], note })
  const lines = linesOf(file)
  const text = new TextDecoder().decode(file)
  const bytes = (changed: string) => encodeUtf8(changed)
  made.bad("end-missing", "no end line", bytes(lines.map((line) => `${line}\n`).join("")), "end")
  made.bad(
    "end-hash",
    "another hash at the end",
    bytes(text.replace(/"sha256":"..../, '"sha256":"0000')),
    "end",
  )
  made.bad(
    "end-lines",
    "another number of lines",
    bytes(text.replace(/"lines":\d+/, '"lines":1')),
    "end",
  )
  made.bad("end-more", "a line behind the end", bytes(`${text}{"more":1}\n`), "line")
  made.bad("end-cut", "no line feed at the end", bytes(text.slice(0, -1)), "line")
  made.bad("crlf", "lines that end in CR LF", bytes(text.replaceAll("\n", "\r\n")), "line")
  made.bad("bom", "a byte order mark", bytes(`\ufeff${text}`), "line")
  made.bad("utf8", "not UTF-8", seal8(lines), "utf8")
  made.bad("empty", "nothing at all", new Uint8Array(0), "end")
  const packed = gzipSync(file)
  made.bad("gzip-cut", "a packed file that ends early", packed.subarray(0, -40), "gzip")
  const half = file.indexOf(0x0a, 600) + 1
  const members = [gzipSync(file.subarray(0, half)), gzipSync(file.subarray(half))]
  made.bad("gzip-members", "two members of gzip", concatBytes(...members), "gzip")
}

/** A head whose claim holds a byte that is never in UTF-8. */
function seal8(lines: readonly string[]): Uint8Array {
  const bytes = seal(lines.with(0, (lines[0] as string).replace("{}", '{"a":"?"}')))
  const changed = bytes.slice()
  changed[changed.indexOf(0x3f)] = 0xff
  return changed
}

async function addNotes(made: Made, { log }: Written): Promise<void> {
  const plan = { kind: "set", claim: {}, leaves: [3, 9, 21] } as const
  const good = await log.checkpoint(log.size, witnesses)
  const [text = "", signatures = ""] = good.split(/(?<=\n)\n/)
  const file = (note: string) => makeFile(log, { ...plan, note })
  const strange = await signNote(text, strangeKey)
  made.bad("note-stranger", "signed by another key of the same name", await file(strange), "note")
  const resized = `${text.replace(/\n\d+\n/, "\n25\n")}\n${signatures}`
  made.bad("note-size", "a size that was not signed", await file(resized), "note")
  const older = await log.checkpoint(log.size - 1, witnesses)
  made.bad("note-older", "the note of a smaller tree", await file(older), "tree")
  const extended = await signNote(`${text}more\n`, logKey)
  made.bad("note-extension", "a checkpoint of four lines", await file(extended), "note")
  const wrong = good.replace(/(— witness\.example\/b .{30})./, (_, before: string) => `${before}x`)
  made.bad(
    "note-cosignature",
    "a cosignature of a known witness that is wrong",
    await file(wrong),
    "note",
  )
  const stranger = await cosign(await log.checkpoint(log.size, [witnessA]), [strangeWitness])
  const about = "a cosignature of a witness that the policy does not know"
  made.good(
    "set-strange-witness",
    about,
    await file(stranger),
    "quorum",
    "SIGNED-ONLY",
    [3, 0, 3, 0],
  )
  const same = await makeFork(good, await log.checkpoint(log.size))
  made.bad("fork-same", "a fork with one root", same, "fork")
  made.bad("fork-sizes", "a fork of two sizes", await makeFork(good, older), "fork")
  const root = new Uint8Array(32).fill(7)
  const other = await signNote(formatCheckpoint({ origin, size: log.size, root }), strangeKey)
  made.bad("fork-stranger", "the other note by another key", await makeFork(good, other), "note")
  const leafLine = `{"leaf":[3,"${formatBase64(log.leaves[3] as Uint8Array)}"]}`
  made.bad("fork-leaf", "a fork with a leaf", seal([...linesOf(same), leafLine]), "order")
}

async function addStreams(made: Made, written: Written, note: string): Promise<void> {
  const { log, app, http, firstBeat, secondBeat, closed } = written
  const plan = streamPlan(written, app, note)
  const without = (found: (text: string) => boolean) =>
    plan.leaves.filter((index) => !found(new TextDecoder().decode(log.leaves[index])))
  const file = (more: Partial<FilePlan>) => makeFile(log, { ...plan, ...more })
  const noRefusal = await file({ leaves: without((text) => text.includes("postern.refused")) })
  made.bad("stream-refusal", "nobody tells of the refused event", noRefusal, "stream")
  const noGap = await file({ leaves: without((text) => text.includes("stream.gap")) })
  made.bad("stream-gap", "nobody tells of the gap", noGap, "stream")
  const hole = await file({ leaves: without((text) => text.includes('"q":4,')) })
  made.bad("stream-hole", "an event left out", hole, "stream")
  const claim = { ...plan.claim, next: app.next + 1 }
  made.bad("stream-claim", "a claim beyond the end", await file({ claim }), "stream")
  const bare = await file({ context: false, batches: [] })
  made.bad("stream-unopened", "no opening entry", bare, "stream")
  const overlap = [...(plan.batches ?? []), ...(plan.batches?.slice(-1) ?? [])]
  made.bad("stream-overlap", "batches that overlap", await file({ batches: overlap }), "order")
  const lines = linesOf(await makeFile(log, streamPlan(written, http, note, { batches: [] })))
  const unsafe = lines.with(
    0,
    (lines[0] as string).replace(/"next":\d+/, '"next":9007199254740993'),
  )
  made.bad("stream-number", "a number above 2^53", seal(unsafe), "line")
  const range = { kind: "range", claim: { first: 7, count: 9 }, note } as const
  const holey = await makeFile(log, { ...range, leaves: [...steps(7, 12), ...steps(13, 17)] })
  made.bad("range-hole", "a range with a hole", holey, "range")
  const shifted = await makeFile(log, { ...range, leaves: steps(8, 17) })
  made.bad("range-shifted", "a range that begins later", shifted, "range")
  const unsigned = await file({ leaves: plan.leaves.filter((index) => index < closed) })
  const early = "the last thing that was signed is not in the file"
  made.good("stream-beat", early, unsigned, "quorum", "WITNESSED", [19, 9, 10, 0])
  const points = [firstBeat, secondBeat, closed]
  const silent = plan.leaves.filter((index) => !points.includes(index))
  const never = await file({ leaves: silent })
  made.good(
    "stream-unsigned",
    "nothing that was signed",
    never,
    "quorum",
    "WITNESSED",
    [17, 0, 17, 0],
  )
  const lied = plan.batches?.map((row, i) =>
    i === 1 ? { ...row, digest: new Uint8Array(32) } : row,
  )
  const lie = "a batch line that lies: less is signed"
  made.good(
    "stream-lie",
    lie,
    await file({ batches: lied ?? [] }),
    "quorum",
    "WITNESSED",
    [20, 5, 15, 0],
  )
}
