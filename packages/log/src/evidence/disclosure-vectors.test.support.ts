/** Evidence files of entries of which values are kept outside, and of a stream whose writer's certificate was renewed. */
import { encodeUtf8 } from "../base/index.ts"
import { disclosureDigest, encodeDisclosure } from "../event/index.ts"
import { linesOf, makeFile, makeFork, seal } from "./evidence-file.test.support.ts"
import { ed25519Writer, p256Writer, TestLog, type Witness } from "./evidence-log.test.support.ts"
import type { Made } from "./evidence-vectors.test.support.ts"
import type { FindingCode } from "./index.ts"

const salt = "_26bc4LT-ac6q2KI6cBW5es"

function disclosure(name: string, value: unknown): Uint8Array {
  return encodeDisclosure(salt, name, encodeUtf8(JSON.stringify(value)))
}

/** A large body, a small value, and two that a file withholds; all of one entry, one of them of another, too. */
function writeLog() {
  const log = new TestLog()
  log.start()
  const app = log.open("spiffe://example/app", "c4".repeat(16), ed25519Writer(41))
  const request = disclosure("request", { body: "0123456789".repeat(15_000) })
  const labels = disclosure("labels", { customer: "Möbius" })
  const others = [disclosure("trace", { id: 1 }), disclosure("reason", { text: "why" })]
  const digests = [request, labels, ...others].map(disclosureDigest)
  log.batch(app, 2)
  const [big = 0] = log.batch(app, 1, { digests })
  const [small = 0] = log.batch(app, 1, { digests: digests.slice(1, 2) })
  const again = disclosure("labels", { customer: "Ampère" })
  const [twice = 0] = log.batch(app, 1, { digests: [labels, again].map(disclosureDigest) })
  const taken = disclosure("data", {})
  const [named = 0] = log.batch(app, 1, { digests: [disclosureDigest(taken)] })
  const rest = log.beat(app, "close")
  return { log, app, request, labels, again, taken, big, small, twice, named, rest }
}

export async function addDisclosures(made: Made, witnesses: readonly Witness[]): Promise<void> {
  const { log, app, request, labels, again, taken, big, small, twice, named, rest } = writeLog()
  const note = await log.checkpoint(log.size, witnesses)
  const set = (leaves: readonly number[], held: readonly [number, readonly Uint8Array[]][]) => {
    const disclosures = new Map(held)
    return makeFile(log, { kind: "set", claim: {}, leaves, note, disclosures })
  }
  const both = await set([big, small], [[big, [request, labels]]])
  const about =
    "two values of one entry, one of them in several lines; three of two entries are withheld"
  made.good("disclosed", about, both, "quorum", "WITNESSED", [2, 0, 2, 0], {
    ...{ disclosed: 2, withheld: 3, withholding: 2 },
  })
  const none = { disclosed: 0, withheld: 5, withholding: 2 }
  const bare = await set([big, small], [])
  made.good("withheld", "no value of five", bare, "quorum", "WITNESSED", [2, 0, 2, 0], none)
  const claim = { open: app.open, first: 0, next: app.next }
  const leaves = Array.from({ length: log.size - app.open - 1 }, (_, i) => app.open + 1 + i)
  const batches = app.rows
  const disclosures = new Map([[small, [labels]]])
  const plan = { kind: "stream", claim, leaves, batches, note, disclosures } as const
  const signed = "the writer signed for the digests, too"
  made.good(
    "disclosed-stream",
    signed,
    await makeFile(log, plan),
    "quorum",
    "WITNESSED",
    [7, 6, 1, 0],
    {
      ...{ disclosed: 1, withheld: 7, withholding: 3 },
    },
  )
  const bad = (name: string, what: string, file: Uint8Array) =>
    made.bad(`disclosure-${name}`, what, file, "disclosure")
  bad("stranger", "a value that no digest names", await set([small], [[small, [again]]]))
  bad("twice", "a value twice", await set([small], [[small, [labels, labels]]]))
  bad("name", "two values of one name", await set([twice], [[twice, [labels, again]]]))
  bad("member", "a value that the entry has", await set([named], [[named, [taken]]]))
  bad("other", "a value of another entry", await set([big, rest], [[rest, [labels]]]))
  addChanged(made, linesOf(both))
  const fork = await makeFork(note, await log.checkpoint(log.size))
  const line = linesOf(both).find((one) => one.startsWith('{"disclosure":[0,')) as string
  made.bad("disclosure-fork", "a fork with a value", seal([...linesOf(fork), line]), "order")
}

/** The file's disclosure lines: four pieces of one, and one that is whole. */
function addChanged(made: Made, lines: readonly string[]): void {
  const at = lines.findIndex((line) => line.startsWith('{"disclosure"'))
  const edit = (
    name: string,
    about: string,
    all: readonly string[],
    finding: FindingCode = "disclosure",
  ) => made.bad(`disclosure-${name}`, about, seal(all), finding)
  const [start = "", second = "", third = "", last = "", whole = ""] = lines.slice(at)
  edit("cut", "the last piece is missing", lines.toSpliced(at + 3, 1))
  edit("hole", "a piece in the middle is missing", lines.toSpliced(at + 1, 1))
  edit("swapped", "two pieces changed places", lines.toSpliced(at + 1, 2, third, second))
  edit("ends", "the leaf's last line is a piece to which others belong", lines.toSpliced(at + 3, 2))
  edit("short", "a first piece of fewer characters", lines.with(at, `${start.slice(0, -6)}"]}`))
  edit("bits", "unused bits that are not zero", lines.with(at + 3, changeEnd(last)))
  edit("letter", "one letter", lines.with(at + 4, whole.replace("Wy", "Wz")))
  edit("base64", "base64 with padding", lines.with(at + 4, `${whole.slice(0, -3)}="]}`), "line")
  edit("early", "before its leaf", lines.toSpliced(at + 4, 1).toSpliced(at - 1, 0, whole))
  edit("late", "behind the path", [...lines.toSpliced(at + 4, 1), whole], "order")
  const open = lines.findIndex((line) => line.startsWith('{"context"'))
  edit("context", "behind a context line", lines.toSpliced(open + 1, 0, whole))
}

function changeEnd(line: string): string {
  const letter = line.charCodeAt(line.length - 4)
  return `${line.slice(0, -4)}${String.fromCharCode(letter + 1)}"]}`
}

/** Signed with three certificates: the first by Ed25519, the second by ECDSA, and one that the log names only after what it signed. */
export async function addRenewals(made: Made, witnesses: readonly Witness[]): Promise<void> {
  const log = new TestLog()
  log.start()
  const app = log.open("spiffe://example/app", "d5".repeat(16), ed25519Writer(51))
  log.batch(app, 2)
  log.beat(app)
  log.batch(app, 1, { refused: [0] })
  const renewed = log.renew(app, p256Writer(52))
  log.batch(app, 3)
  log.beat(app)
  log.batch(app, 1, { refused: [0] })
  log.batch(app, 4)
  app.keys = ed25519Writer(53)
  log.beat(app, "close")
  log.renew(app, ed25519Writer(53))
  const note = await log.checkpoint(log.size, witnesses)
  const leaves = Array.from({ length: log.size - 2 }, (_, i) => i + 2)
  const claim = { open: app.open, first: 0, next: app.next }
  const file = (own: readonly number[]) =>
    makeFile(log, { kind: "stream", claim, leaves: own, batches: app.rows, note })
  const about = "five events are signed with two certificates; four with one that is named too late"
  made.good("stream-renewed", about, await file(leaves), "quorum", "WITNESSED", [16, 5, 11, 0])
  const silent = leaves.filter((index) => index !== renewed)
  const less = "without the entry about the second certificate"
  made.good(
    "stream-renewed-unsaid",
    less,
    await file(silent),
    "quorum",
    "WITNESSED",
    [15, 2, 13, 0],
  )
}
