/** Evidence files of a log whose key changed: good ones, and what a thief of a key may try. */
import { formatCheckpoint, signNote } from "../tlog/index.ts"
import { linesOf, makeFile, makeFork, seal } from "./evidence-file.test.support.ts"
import { cosign, origin, strangeKey, type Witness } from "./evidence-log.test.support.ts"
import type { Made } from "./evidence-vectors.test.support.ts"
import type { FindingCode, KeyProof } from "./index.ts"
import { type Key, KeyLog, keyA, keyB, keyC, type Roll, rootKey } from "./key-log.test.support.ts"

/** "alone" and "quorum" pin the first key; these pin others. */
export function keyPolicies([a, b]: readonly [Witness, Witness]): Record<string, string> {
  return {
    newer: `log ${keyB.vkey}\nquorum none\n`,
    newest: `log ${keyC.vkey}\nquorum none\n`,
    root: `log ${keyA.vkey}\nlog ${rootKey.vkey}\nquorum none\n`,
    "root-quorum": [
      `log ${keyA.vkey}`,
      `log ${rootKey.vkey}`,
      `witness a ${a.witnessVkey}`,
      `witness b ${b.witnessVkey}`,
      "group both all a b",
      "quorum both\n",
    ].join("\n"),
  }
}

type Witnesses = readonly [Witness, Witness]
const leaves = [1, 2]

/** A→B, A retired, B→C; every checkpoint is cosigned. */
async function story(witnesses: Witnesses) {
  const log = new KeyLog()
  const roll = await log.proof(await log.roll(keyA, keyB), [keyB, keyA], witnesses)
  log.grow(2)
  const retired = await log.proof(log.retire(keyA), [keyB], witnesses)
  log.grow(1)
  const again = await log.proof(await log.roll(keyB, keyC), [keyC, keyB], witnesses)
  log.grow(3)
  const set = async (keys: readonly KeyProof[], note: string) =>
    makeFile(log.log, { kind: "set", claim: {}, leaves, note, keys })
  return { log, roll, retired, again, set }
}

type Story = Awaited<ReturnType<typeof story>>

export async function addKeys(made: Made, witnesses: Witnesses): Promise<void> {
  const told = await story(witnesses)
  await addRolled(made, told, witnesses)
  await addRoot(made, witnesses)
  await addThefts(made, told, witnesses)
  await addChangedProofs(made, told, witnesses)
  await addFalseRolls(made, witnesses)
}

async function addRolled(made: Made, told: Story, witnesses: Witnesses): Promise<void> {
  const { log, roll, retired, again, set } = told
  const both = await set([roll, retired, again], await log.note([keyC, keyB], witnesses))
  const about = "two changes of the key, the first key retired"
  made.good("keys", about, both, "quorum", "WITNESSED", [2, 0, 2, 0])
  made.again("keys", "the policy asks for no witness", "alone", "SIGNED-ONLY")
  made.again(
    "keys",
    "a later key is pinned: what was before it is passed over",
    "newer",
    "SIGNED-ONLY",
  )
  made.again("keys", "the newest key is pinned: nothing is to be learned", "newest", "SIGNED-ONLY")
  made.again("keys", "under the key of another log", "stranger", "INVALID", "note")
  const lone = await set([roll, retired, again], await log.note([keyC]))
  made.good("keys-lone", "signed by the newest key alone", lone, "alone", "SIGNED-ONLY")
  const root = new Uint8Array(32).fill(7)
  const other = await signNote(formatCheckpoint({ origin, size: log.size, root }), keyB)
  const fork = await makeFork(await log.note([keyC]), other, [roll, retired, again])
  made.good("keys-fork", "two histories under two keys of one log", fork, "alone", "FORK-EVIDENCE")
}

async function addRoot(made: Made, witnesses: Witnesses): Promise<void> {
  const log = new KeyLog()
  const index = await log.roll(keyA, keyB, { by: rootKey, reason: "compromised" })
  const proof = await log.proof(index, [keyB], witnesses)
  log.grow(2)
  const plan = { kind: "set", claim: {}, leaves, keys: [proof] } as const
  const note = await log.note([keyB], witnesses)
  const file = await makeFile(log.log, { ...plan, note })
  made.good("keys-root", "a stolen key, replaced by the root key", file, "root", "SIGNED-ONLY")
  made.again("keys-root", "with witnesses", "root-quorum", "WITNESSED")
  made.again("keys-root", "the root key is not pinned", "alone", "INVALID", "note")
  const stolen = await makeFile(log.log, { ...plan, note: await log.note([keyA], witnesses) })
  made.bad("keys-root-stolen", "a later tree by the stolen key", stolen, "note", "root")
  const byRoot = await makeFile(log.log, { ...plan, note: await log.note([rootKey], witnesses) })
  made.bad("keys-root-signs", "a checkpoint by the root key", byRoot, "note", "root")
}

/** What may be tried with a key that ended, and without any. */
async function addThefts(made: Made, told: Story, witnesses: Witnesses): Promise<void> {
  const { log, roll, retired, again, set } = told
  const bad = async (name: string, about: string, keys: readonly KeyProof[], note: string) =>
    made.bad(name, about, await set(keys, note), "note")
  const all = [roll, retired, again]
  const byOld = await log.note([keyA], witnesses)
  await bad("keys-retired", "a newer tree by the retired key", all, byOld)
  const byNew = await log.note([keyB], witnesses)
  await bad("keys-missing", "the change is not in the file", [], byNew)
  await bad("keys-hole", "a change that leads to another is not in the file", [again], byNew)
  const { log: back } = { log: new KeyLog() }
  const first = await back.proof(await back.roll(keyA, keyB), [keyB, keyA], witnesses)
  const ended = await back.proof(back.retire(keyA), [keyB], witnesses)
  const once = await back.proof(await back.roll(keyB, keyA), [keyA, keyB], witnesses)
  back.grow(1)
  const note = await back.note([keyA], witnesses)
  const keys = [first, ended, once]
  const file = await makeFile(back.log, { kind: "set", claim: {}, leaves, note, keys })
  made.bad("keys-again", "the key is changed to one that was retired", file, "note")
}

async function addChangedProofs(made: Made, told: Story, witnesses: Witnesses): Promise<void> {
  const { log, roll, retired, again, set } = told
  const note = await log.note([keyC, keyB], witnesses)
  const all = [roll, retired, again]
  const lines = linesOf(await set(all, note))
  const at = lines.findIndex((line) => line.startsWith('{"key":{'))
  const line = lines[at] as string
  const edit = (name: string, about: string, to: readonly string[], finding: FindingCode) =>
    made.bad(`keys-${name}`, about, seal(to), finding)
  edit(
    "order",
    "changes in another order",
    [...lines.slice(0, at), ...lines.slice(at, at + 3).reverse(), ...lines.slice(at + 3)],
    "order",
  )
  edit("late", "a change behind the leaves", [...lines.toSpliced(at, 1), line], "order")
  edit("twice", "a change twice", lines.toSpliced(at, 0, line), "order")
  edit(
    "member",
    "a member too many",
    lines.with(at, line.replace('"index"', '"more":1,"index"')),
    "line",
  )
  edit(
    "path",
    "a path too long",
    lines.with(at, line.replace('"path":[', `"path":["${"A".repeat(43)}=",`)),
    "key",
  )
  edit("index", "another index", lines.with(at, line.replace(/"index":\d+/, '"index":2')), "key")
  const bare = await log.note([keyB, keyA], [], roll.index + 1)
  const poor = await set([{ ...roll, note: bare }, retired, again], note)
  made.bad("keys-quorum", "a change without the quorum", poor, "key")
  made.again("bad-keys-quorum", "where none is asked for", "alone", "SIGNED-ONLY")
}

/** Changes that are in the tree, and hold nothing: the first change is right, the second is not. */
async function addFalseRolls(made: Made, witnesses: Witnesses): Promise<void> {
  const cases: [name: string, about: string, roll: Roll, signers: readonly Key[]][] = [
    ["stranger", "certified by a stranger", { by: strangeKey }, [keyB, keyC]],
    ["other", "the certificate is for another key", { certified: strangeKey }, [keyB, keyC]],
    ["new-alone", "its checkpoint is by the new key alone", {}, [keyC]],
    ["self", "a key says of itself that it was stolen", { reason: "compromised" }, [keyB, keyC]],
  ]
  for (const [name, about, roll, signers] of cases) {
    const log = new KeyLog()
    const first = await log.proof(await log.roll(keyA, keyB), [keyB, keyA], witnesses)
    const second = await log.proof(await log.roll(keyB, keyC, roll), signers, witnesses)
    log.grow(1)
    const note = await cosign(await log.note([keyB, keyC]), witnesses)
    const plan = { kind: "set", claim: {}, leaves, keys: [first, second], note } as const
    made.bad(`keys-${name}`, about, await makeFile(log.log, plan), "key")
  }
}
