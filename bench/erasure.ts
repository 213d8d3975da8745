/**
 * What it takes to erase a person with 10,000 entries, everybody's values being so many: `node bench/erasure.ts [VALUES]` (default 1,000,000;
 * 5,000,000 take 2 GB and minutes to write). The packs are looked through twice, all other keys are written anew, and 10,000 entries that lie far apart
 * are read; says for how long the loop was held up meanwhile.
 */
import { randomBytes } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { disclosureDigest } from "@postern/log/event"
import { openSealedRoom, type SealedRoom } from "../packages/server/dist/disclosures/index.js"
import { followLog } from "../packages/server/dist/disk/index.js"
import { WrittenLog } from "../packages/server/dist/guard/verify/written-log.test.support.js"
import { entriesAt } from "../packages/server/dist/port/entries-at.js"

const entriesOfPerson = 10_000
const people = 100_000
const entriesOfLog = 300_000
const atATime = 20_000

async function main(values: number): Promise<void> {
  const directory = mkdtempSync(join(import.meta.dirname, ".erasure-"))
  try {
    const places = { sealed: join(directory, "disclosures"), keys: join(directory, "sealing") }
    for (const place of Object.values(places)) mkdirSync(place)
    const room = await openSealedRoom(places, { now: () => new Date() })
    await seal(room, values)
    await erase(room, values)
    await room.close()
    await readEntries(join(directory, "log"))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** One value in `values / 10,000` is the person's. */
async function seal(room: SealedRoom, values: number): Promise<void> {
  const every = Math.floor(values / entriesOfPerson)
  const json = Buffer.from(
    JSON.stringify([randomBytes(16).toString("base64url"), "email", "x".repeat(40)]),
  )
  const digest = disclosureDigest(json)
  for (let at = 0; at < values; at += atATime) {
    for (let i = at; i < at + atATime && i < values; i++) {
      room.put(i, { subject: i % every === 0 ? "person" : `other-${i % people}` }, digest, json)
    }
    await room.flush()
  }
}

async function erase(room: SealedRoom, values: number): Promise<void> {
  const key = await room.keyOf({ subject: "person" })
  if (key === undefined) throw new Error("the person has no key")
  const looked = await timed(() => look(room, key))
  say(`${values} values looked through, ${looked.result} are the person's`, looked)
  const destroyed = await timed(() => room.destroy([key]))
  say(`the key destroyed, ${people} others written anew`, destroyed)
  say("looked through once more", await timed(() => look(room, key)))
}

async function look(
  room: SealedRoom,
  key: Parameters<SealedRoom["entriesOf"]>[0][number],
): Promise<number> {
  let found = 0
  for await (const _ of room.entriesOf([key])) found += 1
  return found
}

async function readEntries(directory: string): Promise<void> {
  mkdirSync(directory)
  const log = await WrittenLog.open(directory)
  await log.started()
  const stream = log.opened(true)
  const text = "x".repeat(250)
  for (let slot = 0; slot * 300 < entriesOfLog; slot++) {
    log.batch(
      stream,
      Array.from({ length: 300 }, (_, i) => JSON.stringify({ id: `${slot}-${i}`, data: { text } })),
    )
    await log.commit()
  }
  const view = await followLog(log.path)
  const step = Math.floor(entriesOfLog / entriesOfPerson)
  const indexes = Array.from({ length: entriesOfPerson }, (_, i) => 2 + i * step)
  const read = await timed(async () => {
    let entries = 0
    for await (const _ of entriesAt(view, indexes)) entries += 1
    return entries
  })
  say(`${read.result} entries read, each ${step} from the next`, read)
  await view.close()
  await log.close()
}

interface Timed<T> {
  readonly result: T
  readonly ms: number
  readonly heldMs: number
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  const result = await work()
  const ms = performance.now() - began
  delay.disable()
  return { result, ms, heldMs: delay.max / 1e6 }
}

function say(what: string, { ms, heldMs }: Timed<unknown>): void {
  console.log(`${what}: ${ms.toFixed(0)} ms, the loop held up for ${heldMs.toFixed(0)} ms at most`)
}

await main(Number(process.argv[2] ?? 1_000_000))
