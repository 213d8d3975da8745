import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatBase64 } from "@postern/log/base"
import { streamStatementText } from "@postern/log/evidence"
import type { WrittenLog } from "../../packages/server/src/guard/verify/written-log.test.support.ts"
import { postern } from "../interop/port-process.ts"
import type { Results } from "../interop/results.ts"
import { pause } from "../support/waiting.ts"
import {
  createWriterKey,
  type History,
  origin,
  receiptOf,
  signAs,
  writeHistory,
} from "./history.ts"
import type { RunningWitness, Stage } from "./stage.ts"

export interface World {
  readonly stage: Stage
  readonly witness: RunningWitness
  /** A directory of this drill's own. */
  readonly work: string
  readonly results: Results
}

export interface Drill {
  readonly what: string
  run(world: World): Promise<void>
}

/** The shortest that a monitor may be told. */
const staleSeconds = 5

/** What happened: 300 events of a writer, a checkpoint, 100 more, a checkpoint. The first events are entries 2 to 301. */
const victim = 57
export const firstSize = 302
export const size = 402

interface Telling {
  /** What the operator makes of the first batch. */
  readonly alter?: (events: string[]) => string[]
  readonly more?: number
}

function tell({ alter = (events) => events, more = 100 }: Telling = {}) {
  return async (log: WrittenLog, checkpoint: () => Promise<void>): Promise<void> => {
    await log.started()
    const open = log.opened(true)
    log.batch(open, alter(Array.from({ length: 300 }, (_, i) => eventText(i))))
    await log.commit()
    await checkpoint()
    if (more > 0) {
      log.batch(
        open,
        Array.from({ length: more }, (_, i) => eventText(1000 + i)),
      )
      await log.commit()
      await checkpoint()
    }
  }
}

export function eventText(i: number): string {
  const actor = { type: "user", id: i === victim - 2 ? "mallory" : "alice" }
  return JSON.stringify({ id: `event-${i}`, action: "role.granted", actor, data: { i } })
}

/** The same number of entries, one of them another: nothing shows by counting. */
export const innocent = (events: string[]) =>
  events.map((event) => event.replace("mallory", "someone"))
const without = (events: string[]) => events.filter((event) => !event.includes("mallory"))

export const honest = ({ stage, work }: World) =>
  writeHistory(join(work, "honest"), stage.keys, tell())
const rewritten = ({ stage, work }: World, telling: Telling) =>
  writeHistory(join(work, "rewritten"), stage.keys, tell(telling))

export async function verify(path: string, vkey: string) {
  const ran = await postern(["verify", path, "--vkey", vkey, "--full"])
  return { code: ran.code, text: ran.text }
}

/** Both checkpoints as one evidence file, and what it says to somebody who has the log's key only. */
export async function forkVerdict(
  { stage, work }: World,
  mine: string,
  theirs: string,
  ...more: string[]
) {
  const files = [join(work, "mine"), join(work, "theirs"), join(work, "fork.evidence")] as const
  writeFileSync(files[0], mine)
  writeFileSync(files[1], theirs)
  const made = await postern(["evidence", "fork", files[0], files[1], ...more, "-o", files[2]])
  if (made.code !== 0) return made
  const told = await postern(["verify", files[2], "--vkey", stage.vkey, "--json"])
  return { code: told.code, text: told.text }
}

export function last(history: History): string {
  return history.checkpoints.at(-1) ?? ""
}

/** Changes bytes of the log file in place. */
function edit(history: History, change: (bytes: Buffer) => void): void {
  const file = join(history.path, "segments", "0000000000000000.seg")
  const bytes = readFileSync(file)
  change(bytes)
  writeFileSync(file, bytes)
}

/** The reader looks once while `history` is served; it remembers between looks. */
export async function readerVerifies({ stage }: World, history: History) {
  stage.serve(history)
  let ran = { code: -1, text: "" }
  await stage.reading(async () => {
    ran = await postern(["verify", "--profile", stage.reader])
  })
  return ran
}

export async function monitorLooks({ stage, work }: World, history: History, ...more: string[]) {
  stage.serve(history)
  let ran = { code: -1, text: "" }
  const state = ["--state", join(work, "monitor"), "--once", "--json"]
  await stage.reading(async () => {
    ran = await postern(["monitor", "--profile", stage.reader, ...state, ...more])
  })
  return ran
}

export const drills: readonly Drill[] = [
  {
    what: "edits one entry on the disk",
    async run(world) {
      const history = await honest(world)
      edit(history, (bytes) => bytes.write("someone", bytes.indexOf("mallory"), "latin1"))
      const { code, text } = await verify(history.path, world.stage.vkey)
      world.results.check(code === 3, "postern verify: NOT VERIFIED", text)
      world.results.check(text.includes(`${victim}`), `and it names entry ${victim}`, text)
    },
  },
  {
    what: "swaps two entries on the disk",
    async run(world) {
      const history = await honest(world)
      edit(history, (bytes) => {
        const [a, b] = ['"event-10"', '"event-11"'].map((id) => bytes.indexOf(id)) as [
          number,
          number,
        ]
        bytes.write('"event-11"', a, "latin1")
        bytes.write('"event-10"', b, "latin1")
      })
      const { code, text } = await verify(history.path, world.stage.vkey)
      world.results.check(code === 3, "postern verify: NOT VERIFIED", text)
    },
  },
  {
    what: "takes one entry out, derives everything again and signs it",
    async run(world) {
      const { results, witness, stage } = world
      const before = await honest(world)
      const first = await witness.ask(before, before.checkpoints[0] ?? "", 0)
      results.check(first.status === 200, "a witness had cosigned the log", first.text)
      const after = await rewritten(world, { alter: without, more: 101 })
      const alone = await verify(after.path, stage.vkey)
      results.check(
        alone.code === 0,
        "postern verify alone sees nothing: it is sound in itself",
        alone.text,
      )
      const asked = await witness.ask(after, last(after), firstSize)
      results.check(
        asked.status === 422,
        "the witness refuses to cosign it (422)",
        `${asked.status} ${asked.text}`,
      )
      const fork = await forkVerdict(world, last(before), last(after))
      results.check(fork.code === 11, "both checkpoints together: FORK-EVIDENCE", fork.text)
    },
  },
  {
    what: "cuts the tail off and puts everything back as it was then",
    async run(world) {
      const { results, witness, stage } = world
      const before = await honest(world)
      const now = await witness.ask(before, last(before), firstSize)
      results.check(now.status === 200, "a witness had cosigned all of it", now.text)
      const after = await rewritten(world, { more: 0 })
      const alone = await verify(after.path, stage.vkey)
      results.check(alone.code === 0, "postern verify alone sees nothing", alone.text)
      const asked = await witness.ask(after, last(after), 0)
      results.check(
        asked.status === 409 && asked.text === `${size}\n`,
        `the witness answers that it knows ${size} entries: the port stops at that`,
        `${asked.status} ${asked.text}`,
      )
      const receipts = join(world.work, "receipts.jsonl")
      writeFileSync(receipts, `${await receiptOf(before, stage.keys, 350, [firstSize, size])}\n`)
      stage.serve(after)
      const missing = await postern(["log", "missing", receipts, "--config", stage.config])
      results.check(missing.code === 3, "a writer's receipt names what is missing", missing.text)
    },
  },
  {
    what: "shows one reader another history",
    async run(world) {
      const [ours, theirs] = [await honest(world), await rewritten(world, { alter: innocent })]
      const victimRead = await readerVerifies(world, theirs)
      world.results.check(victimRead.code === 0, "alone, that reader sees nothing", victimRead.text)
      const fork = await forkVerdict(world, last(ours), last(theirs))
      world.results.check(
        fork.code === 11,
        "his checkpoint and another's: FORK-EVIDENCE",
        fork.text,
      )
      const later = await readerVerifies(world, ours)
      world.results.check(
        later.code === 3,
        "shown the true one later, his own memory contradicts",
        later.text,
      )
    },
  },
  {
    what: "serves an old checkpoint again",
    async run(world) {
      const history = await honest(world)
      const begun = await monitorLooks(world, history, "--begin")
      world.results.check(begun.code === 0, "a monitor had seen the newer one", begun.text)
      const old = await rewritten(world, { more: 0 })
      const looked = await monitorLooks(world, old)
      world.results.check(looked.code === 3, "postern monitor: contradiction", looked.text)
    },
  },
  {
    what: "lets the log grow and signs nothing more",
    async run(world) {
      const history = await writeHistory(
        join(world.work, "stale"),
        world.stage.keys,
        async (log, checkpoint) => {
          await tell({ more: 0 })(log, checkpoint)
          log.own("postern.stopped", {})
          await log.commit()
        },
      )
      const looks = ["--stale", String(staleSeconds)]
      await monitorLooks(world, history, "--begin", ...looks)
      await pause(1000 * staleSeconds + 500)
      const looked = await monitorLooks(world, history, ...looks)
      world.results.check(looked.code === 1, "postern monitor: stale", looked.text)
    },
  },
  {
    what: "drops one event after its writer has the receipt",
    async run(world) {
      const { stage, results } = world
      const before = await honest(world)
      const receipt = join(world.work, "receipt.json")
      writeFileSync(receipt, await receiptOf(before, stage.keys, victim, [2, firstSize]))
      const valid = await postern(["verify", receipt, "--vkey", stage.vkey])
      results.check(valid.code === 0, "the receipt proves that the log took the event", valid.text)
      stage.serve(await rewritten(world, { alter: without }))
      const missing = await postern(["log", "missing", receipt, "--config", stage.config])
      results.check(missing.code === 3, "and the signed log does not hold it", missing.text)
    },
  },
  {
    what: "writes events in a writer's name",
    run: forgeEvents,
  },
]

/** The writer signed what it had sent; the operator has every key but the writer's. */
async function forgeEvents(world: World): Promise<void> {
  const { stage, results, work } = world
  const writer = createWriterKey()
  const stranger = createWriterKey()
  const kinds = {
    honest: { events: 20, forged: 0, beatKey: writer.key },
    forged: { events: 19, forged: 1, beatKey: writer.key },
    resigned: { events: 19, forged: 1, beatKey: stranger.key },
  }
  const told: Record<string, string> = {}
  for (const [name, { events, forged, beatKey }] of Object.entries(kinds)) {
    const history = await writeHistory(join(work, name), stage.keys, async (log, checkpoint) => {
      await log.started()
      const open = log.opened(true, { publicKey: writer.publicKey })
      const sent = Array.from({ length: events }, (_, i) => eventText(i))
      const made = Array.from({ length: forged }, () => eventText(999))
      const { id } = log.streams.get(open) ?? { id: "" }
      log.batch(open, [...sent, ...made])
      await log.commit()
      const { next, digest } = log.streams.get(open) ?? { next: 0, digest: new Uint8Array() }
      // What the writer itself had signed: its own events and nothing else.
      const signed = name === "forged" ? await honestDigest(work) : digest
      const text = streamStatementText({ origin, stream: id, kind: "beat", next, digest: signed })
      const signature = signAs(beatKey, text)
      log.own("postern.stream.beat", {
        stream: id,
        writer: "w",
        open,
        next,
        digest: formatBase64(signed),
        signature,
      })
      if (name === "honest") writeFileSync(join(work, "digest"), digest)
      await log.commit()
      await checkpoint()
    })
    stage.serve(history)
    const file = join(work, `${name}.evidence`)
    const made = await postern([
      "evidence",
      "make",
      "--stream",
      "1",
      "--config",
      stage.config,
      "-o",
      file,
    ])
    if (made.code !== 0) throw new Error(made.text)
    told[name] = (await postern(["verify", file, "--vkey", stage.vkey, "--json"])).text
  }
  const signed = (name: string) => {
    const [writer] = JSON.parse(told[name] ?? "{}").writers ?? []
    return writer?.["writer-signed"] ?? 0
  }
  results.check(signed("honest") === 20, "what the writer sent is writer-signed", told.honest)
  results.check(signed("forged") === 0, "what was written in its name is not", told.forged)
  results.check(
    signed("resigned") === 0,
    "nor is it with a signature of another key",
    told.resigned,
  )
}

async function honestDigest(work: string): Promise<Uint8Array> {
  return new Uint8Array(readFileSync(join(work, "digest")))
}
