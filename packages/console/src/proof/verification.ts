import { formatBase64, formatHex, isPosternError, parseBase64 } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { type Checkpoint, checkConsistency, checkInclusion, leafHash } from "@postern/log/tlog"
import type { EntryAnswer, InclusionAnswer, ShownEntry } from "../api/index.ts"
import type { SeenCheckpoint } from "../kept/index.ts"
import { bytesOf, invalid, readHashes, writerIn } from "./claims.ts"
import { type PathStep, pathSteps } from "./path-steps.ts"

/** holds · failed: do not rely on it · open: could not be checked, so nothing is said */
export type StepState = "holds" | "failed" | "open"

export interface Step {
  readonly name: string
  readonly state: StepState
  /** A sentence for a person. */
  readonly said: string
  /** Names and values: hashes in hex, keys and notes as text. */
  readonly facts: readonly (readonly [string, string])[]
  readonly path?: readonly PathStep[]
}

export interface Verification {
  readonly state: StepState
  readonly steps: readonly Step[]
  /** The checkpoint that was opened. */
  readonly checkpoint: Checkpoint | undefined
}

export interface Question {
  /** The index that was asked for: an answer about another one is no answer. */
  readonly index: number
  readonly answer: ShownEntry
  /** Opens a note with the keys that are believed; undefined if there are none. Throws PosternError. */
  readonly open: ((note: string) => Promise<Checkpoint>) | undefined
  /** The largest checkpoint that this browser verified before. */
  readonly seen?: SeenCheckpoint | undefined
  /** Asks for the hashes between two sizes. */
  consistency(from: number, to: number): Promise<readonly string[]>
}

/** Does everything again that the server says of an entry, with nothing but its leaf, the path, the note and the keys. */
export async function verifyEntry(question: Question): Promise<Verification> {
  const { index, answer, open } = question
  const signature = await checkSignature(answer, open)
  const { checkpoint } = signature
  const steps: Step[] = [
    checkLeaf(index, answer.entry),
    checkPath("Path to the root", index, answer.entry, answer.inclusion, checkpoint),
    signature.step,
    checkWriter(answer, checkpoint),
    await checkHistory(question, checkpoint),
  ]
  const failed = steps.some(({ state }) => state === "failed")
  // Without an earlier checkpoint there is no history to hold against this one: the first look is a look all the same.
  const isOpen = steps.slice(0, 4).some(({ state }) => state === "open")
  return { state: failed ? "failed" : isOpen ? "open" : "holds", steps, checkpoint }
}

function checkLeaf(index: number, entry: EntryAnswer): Step {
  const name = "Leaf"
  try {
    if (entry.index !== index) throw invalid(`the answer is about entry ${entry.index}`)
    const bytes = bytesOf(entry)
    parseEntry(bytes)
    const facts: [string, string][] = [
      ["bytes", String(bytes.length)],
      ["SHA-256(0x00 ‖ leaf)", formatHex(leafHash(bytes))],
    ]
    const said = "This browser hashed the very bytes that are shown on this page."
    return { name, state: "holds", said, facts }
  } catch (error) {
    return failed(name, "The leaf is not one that a port writes", error)
  }
}

function checkPath(
  name: string,
  index: number,
  entry: EntryAnswer,
  inclusion: InclusionAnswer | undefined,
  checkpoint: Checkpoint | undefined,
): Step {
  if (inclusion === undefined) {
    const said = "No checkpoint covers the entry yet. It is durable; ask again in a second."
    return { name, state: "open", said, facts: [] }
  }
  try {
    const path = readHashes(inclusion.path)
    const leaf = leafHash(bytesOf(entry))
    const steps = pathSteps(index, inclusion.size, leaf, path)
    const reached = steps.at(-1)?.result ?? leaf
    const facts: [string, string][] = [
      ["entries in the tree", String(inclusion.size)],
      ["hashes in the path", String(path.length)],
      ["root that was reached", formatHex(reached)],
    ]
    if (checkpoint === undefined) {
      const said = "The path was walked, but there is no signed root to hold the result against."
      return { name, state: "open", said, facts, path: steps }
    }
    facts.push(["root in the checkpoint", formatHex(checkpoint.root)])
    try {
      if (inclusion.size !== checkpoint.size) throw invalid("path and checkpoint differ in size")
      checkInclusion(index, inclusion.size, leaf, path, checkpoint.root)
    } catch (error) {
      const { said } = failed(name, "The entry is not in the tree that was signed", error)
      return { name, state: "failed", said, facts, path: steps }
    }
    const said = `${steps.length} hashes lead from the leaf to the root that the checkpoint names.`
    return { name, state: "holds", said, facts, path: steps }
  } catch (error) {
    return failed(name, "The path is not written as it should be", error)
  }
}

async function checkSignature(
  { checkpoint: note }: ShownEntry,
  open: Question["open"],
): Promise<{ step: Step; checkpoint: Checkpoint | undefined }> {
  const name = "Signature of the checkpoint"
  if (note === undefined) {
    const said = "The answer brings no checkpoint."
    return { step: { name, state: "open", said, facts: [] }, checkpoint: undefined }
  }
  if (open === undefined) {
    const said = "No key of the log is known here, so the signature cannot be checked."
    return { step: { name, state: "open", said, facts: [] }, checkpoint: undefined }
  }
  try {
    const checkpoint = await open(note)
    const facts: [string, string][] = [
      ["log", checkpoint.origin],
      ["entries", String(checkpoint.size)],
      ["root", formatHex(checkpoint.root)],
      ["note", note.trimEnd()],
    ]
    const said = `The log’s key signed a tree of ${checkpoint.size.toLocaleString("en")} entries with this root.`
    return { step: { name, state: "holds", said, facts }, checkpoint }
  } catch (error) {
    const step = failed(name, "The log’s key did not sign this checkpoint", error)
    return { step: { ...step, facts: [["note", note.trimEnd()]] }, checkpoint: undefined }
  }
}

/** The writer stands in the entry that opened the stream: it has to be in the same tree, and to name that writer. */
function checkWriter(answer: ShownEntry, checkpoint: Checkpoint | undefined): Step {
  const name = "Writer"
  const { entry } = answer
  try {
    const { open } = parseEntry(bytesOf(entry)).stamp
    const opening = open === entry.index ? entry : answer.opening
    const facts: [string, string][] = [["opening entry", String(open)]]
    if (opening?.index !== open) throw invalid(`the answer brings no entry ${open}`)
    const writer = writerIn(opening)
    facts.push(["writer in it", writer])
    if (writer !== entry.writer) throw invalid(`the server says ${entry.writer}`)
    const proof = open === entry.index ? answer.inclusion : answer.openingInclusion
    const inTree = checkPath(name, open, opening, proof, checkpoint)
    if (inTree.state !== "holds") return { ...inTree, facts: [...facts, ...inTree.facts] }
    const said = `Entry ${open} opened the stream and names the writer; it is in the same tree.`
    return { name, state: "holds", said, facts: [...facts, ...inTree.facts] }
  } catch (error) {
    return failed(name, "What names the writer does not hold", error)
  }
}

async function checkHistory(
  { seen, consistency }: Question,
  checkpoint: Checkpoint | undefined,
): Promise<Step> {
  const name = "Same log as before"
  if (checkpoint === undefined || seen === undefined) {
    const said = "This browser has verified no checkpoint of this log before."
    return { name, state: "open", said, facts: [] }
  }
  const facts: [string, string][] = [
    ["entries then", String(seen.size)],
    ["root then", seen.root],
  ]
  try {
    const root = parseBase64(seen.root)
    if (root === undefined) throw invalid("what this browser kept is not a root")
    const then = { size: seen.size, root }
    const [old, young] = then.size <= checkpoint.size ? [then, checkpoint] : [checkpoint, then]
    const isSame = old.size === young.size
    const path = isSame || old.size === 0 ? [] : await consistency(old.size, young.size)
    checkConsistency(old.size, young.size, readHashes(path), old.root, young.root)
    const said = `This tree ${isSame ? "is" : "goes on from"} the one of ${seen.size.toLocaleString("en")} entries that this browser verified on ${seen.at.slice(0, 10)}.`
    return { name, state: "holds", said, facts }
  } catch (error) {
    if (!isPosternError(error)) {
      const said = `The hashes between then and now could not be had: ${messageOf(error)}`
      return { name, state: "open", said, facts }
    }
    const what = "The log was changed since this browser last looked: its history is not the same"
    return { ...failed(name, what, error), facts }
  }
}

/** What this browser keeps after a verification that holds: the largest checkpoint that it knows. */
export function nextSeen(
  seen: SeenCheckpoint | undefined,
  checkpoint: Checkpoint,
  now: string,
): SeenCheckpoint {
  if (seen !== undefined && seen.size >= checkpoint.size) return seen
  return { size: checkpoint.size, root: formatBase64(checkpoint.root), at: now }
}

function failed(name: string, what: string, error: unknown): Step {
  return { name, state: "failed", said: `${what} (${messageOf(error)}).`, facts: [] }
}

function messageOf(error: unknown): string {
  if (isPosternError(error)) return error.detail ?? error.message
  return error instanceof Error ? error.message : String(error)
}
