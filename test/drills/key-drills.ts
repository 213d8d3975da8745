import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  formatKeyCertificateText,
  formatKeyProofs,
  type KeyProof,
  keyActions,
} from "@postern/log/evidence"
import { inclusionProof, signNote } from "@postern/log/tlog"
import { followLog } from "../../packages/server/dist/disk/index.js"
import {
  createKey,
  type Key,
  WrittenLog,
} from "../../packages/server/src/guard/verify/written-log.test.support.ts"
import { postern } from "../interop/port-process.ts"
import {
  type Drill,
  eventText,
  firstSize,
  forkVerdict,
  honest,
  innocent,
  last,
  monitorLooks,
  readerVerifies,
  size,
  verify,
  type World,
} from "./drills.ts"
import { type History, type OperatorKeys, origin } from "./history.ts"

interface Ended {
  readonly next: Key
  /** What the operator makes of the first batch. */
  readonly alter?: (events: string[]) => string[]
  /** Whether the first key ends, and how many events come after that. */
  readonly retired: boolean
  readonly more: number
}

/** The same first entries as the honest history; then the log key is changed, and perhaps the old one ends. */
async function writeKeyHistory(
  directory: string,
  { log: first, receipts }: OperatorKeys,
  { next, alter = (events) => events, retired, more }: Ended,
): Promise<History> {
  const log = await WrittenLog.open(directory)
  log.log = first
  log.receipts = receipts
  const checkpoints: string[] = []
  const proofs: KeyProof[] = []
  const publish = async (about?: number) => {
    await log.commit()
    const note = await log.checkpoint()
    checkpoints.push(note)
    if (about === undefined) return
    proofs.push(await proofOf(log, about, note))
    writeFileSync(join(log.path, "keys"), formatKeyProofs(proofs))
  }
  await log.started()
  const open = log.opened(true)
  log.batch(open, alter(Array.from({ length: 300 }, (_, i) => eventText(i))))
  await publish()
  log.log = next
  log.beside = first
  await log.started()
  const certificate = await signNote(formatKeyCertificateText(origin, next.vkey), first.signer)
  const keys = { old: first.vkey, new: next.vkey }
  const rolled = log.own(keyActions.rolled, { ...keys, certificate, reason: "planned" })
  await publish(rolled)
  if (retired) {
    log.beside = undefined
    await log.started()
    await publish(log.own(keyActions.retired, { vkey: first.vkey }))
  }
  log.events(log.opened(true), more - 1)
  await publish()
  await log.close()
  return { path: log.path, checkpoints }
}

async function proofOf({ path }: WrittenLog, index: number, note: string): Promise<KeyProof> {
  const view = await followLog(path)
  try {
    const { size: entries } = view.head()
    const [leaf = new Uint8Array()] = await view.leaves(index, index + 1)
    const audit = await inclusionProof(index, entries, (...asked) => view.hashes(...asked))
    return { note, index, leaf, path: audit }
  } finally {
    await view.close()
  }
}

/** A reader of this drill's own: it has seen nothing yet. */
function forget({ reader }: World["stage"]): void {
  const stem = reader.replace(/\.ya?ml$/, "")
  for (const memory of ["checkpoint", "keys"]) rmSync(`${stem}.${memory}`, { force: true })
}

async function makeEvidence({ stage, work }: World, history: History, name: string) {
  stage.serve(history)
  const file = join(work, `${name}.evidence`)
  const asked = ["--range", "3-9", "--config", stage.config]
  const made = await postern(["evidence", "make", ...asked, "-o", file])
  if (![0, 10].includes(made.code)) throw new Error(made.text)
  return file
}

export const keyDrills: readonly Drill[] = [
  {
    what: "hands the log over to a key of his own, in a history that he has rewritten",
    run: rollToThief,
  },
  { what: "signs a newer tree with a key that was retired", run: backdate },
  { what: "rewrites what the old key had signed, and seals it with the newer one", run: reseal },
]

/** Whoever has the log key can hand the log to another: that alone proves nothing. */
async function rollToThief(world: World): Promise<void> {
  const { stage, witness, results, work } = world
  const before = await honest(world)
  const known = await witness.ask(before, last(before), size)
  results.check(known.status === 200, "a witness had cosigned the log", known.text)
  // Two entries of the new life and one about the key stand before the events.
  const forged = await writeKeyHistory(join(work, "forged"), stage.keys, {
    ...{ next: createKey(origin), alter: innocent },
    ...{ retired: false, more: size - firstSize - 2 },
  })
  const alone = await verify(forged.path, stage.vkey)
  results.check(alone.code === 0, "postern verify alone sees nothing: it is sound", alone.text)
  const asked = await witness.ask(forged, last(forged), size)
  results.check(asked.status === 422, "the witness refuses it (422)", `${asked.status}`)
  const file = await makeEvidence(world, forged, "forged")
  const believed = await postern(["verify", file, "--vkey", stage.vkey])
  results.check(believed.code === 10, "who asks for no witness believes it", believed.text)
  const policy = join(work, "policy")
  const vkey = readFileSync(join(witness.directory, "witness.vkey"), "utf8").trim()
  writeFileSync(policy, `log ${stage.vkey}\nwitness w ${vkey}\nquorum w\n`)
  const refused = await postern(["verify", file, "--policy", policy])
  results.check(refused.code === 3, "under a policy with the witness it is INVALID", refused.text)
  const proofs = ["--keys", join(forged.path, "keys")]
  const fork = await forkVerdict(world, last(before), last(forged), ...proofs)
  results.check(fork.code === 11, "both checkpoints together: FORK-EVIDENCE", fork.text)
}

async function backdate(world: World): Promise<void> {
  const { stage, results, work } = world
  forget(stage)
  const next = createKey(origin)
  const ours = await writeKeyHistory(join(work, "told-ours"), stage.keys, {
    ...{ next, retired: true, more: 20 },
  })
  for (const vkey of [stage.vkey, next.vkey]) {
    const pinned = await verify(ours.path, vkey)
    results.check(pinned.code === 0, "the log is sound, under the old key or the new", pinned.text)
  }
  const learned = await readerVerifies(world, ours)
  results.check(learned.code === 0, "a reader who pinned the old key follows", learned.text)
  const begun = await monitorLooks(world, ours, "--begin")
  results.check(begun.code === 0, "and so does a monitor", begun.text)
  const stolen = await honest(world)
  const reads = await readerVerifies(world, stolen)
  results.check(reads.code === 3, "the reader refuses what the retired key signs", reads.text)
  const looked = await monitorLooks(world, stolen)
  results.check(looked.code === 3, "and the monitor raises an alarm", looked.text)
  const file = await makeEvidence(world, stolen, "stolen")
  const untold = await postern(["verify", file, "--vkey", stage.vkey])
  results.check(untold.code === 10, "who was never told of its end believes it", untold.text)
  const told = await postern(["verify", file, "--profile", stage.reader])
  results.check(told.code === 3, "who was told does not: INVALID", told.text)
}

async function reseal(world: World): Promise<void> {
  const { stage, results, work } = world
  forget(stage)
  const next = createKey(origin)
  const telling = { next, retired: true, more: 20 }
  const ours = await writeKeyHistory(join(work, "told-ours"), stage.keys, telling)
  const learned = await readerVerifies(world, ours)
  results.check(learned.code === 0, "a reader had seen the true log", learned.text)
  const theirs = await writeKeyHistory(join(work, "told-theirs"), stage.keys, {
    ...telling,
    alter: innocent,
  })
  const alone = await verify(theirs.path, stage.vkey)
  results.check(alone.code === 0, "postern verify alone sees nothing: it is sound", alone.text)
  const reads = await readerVerifies(world, theirs)
  results.check(reads.code === 3, "the reader's memory contradicts it", reads.text)
  const sealed = await resealed(world, next)
  const proofs = ["--keys", join(ours.path, "keys")]
  const fork = await forkVerdict(world, ours.checkpoints[0] ?? "", sealed, ...proofs)
  results.check(fork.code === 11, "one size, two roots, two keys: FORK-EVIDENCE", fork.text)
}

/** The rewritten tree of the first checkpoint's size, by the newer key. */
async function resealed({ stage, work }: World, next: Key): Promise<string> {
  const log = await WrittenLog.open(join(work, "sealed"))
  log.log = stage.keys.log
  log.receipts = stage.keys.receipts
  await log.started()
  const open = log.opened(true)
  log.batch(open, innocent(Array.from({ length: 300 }, (_, i) => eventText(i))))
  await log.commit()
  const note = await log.checkpoint(next)
  await log.close()
  return note
}
