import { isPosternError, PosternError } from "@postern/log/base"
import {
  formatKeyCertificateText,
  type KeyChange,
  type KeyProof,
  readKeyChange,
  rootKeyName,
} from "@postern/log/evidence"
import { type NoteSignature, openNote, parseNote, parseVkey } from "@postern/log/tlog"

/** What the log directory and the port's state say of the log's keys, before this life. */
export interface KeyHistory {
  readonly origin: string
  /** The changes that are proven, oldest first. */
  readonly proofs: readonly KeyProof[]
  /** A change that an earlier life began; it may have gone so far that there is a proof of it. */
  readonly begun: { readonly old: string; readonly new: string } | undefined
  /** The key that the life before signed with. */
  readonly before: string | undefined
  /** The published checkpoint. */
  readonly checkpoint: string | undefined
}

/** What the configuration says. */
export interface ConfiguredKeys {
  /** The key that signs. */
  readonly vkey: string
  /** The old one that signs too. */
  readonly retiring: string | undefined
  readonly certificate: string | undefined
  readonly rootVkey: string | undefined
}

export interface KeyPlan {
  /** The entry to write before anything is signed by the new key alone; its certificate is undefined if the old key is here to make one. */
  readonly roll:
    | {
        readonly old: string
        readonly reason: "planned" | "compromised"
        readonly certificate: string | undefined
      }
    | undefined
  /** Whether the retiring key signs, too. */
  readonly together: boolean
  /** Keys that the configuration does not name any more. */
  readonly retire: readonly string[]
  /** Every key whose signature stands for this log, the one that signs first. */
  readonly live: readonly string[]
  /** Every key that ever did. */
  readonly known: readonly string[]
}

/**
 * What the keys of the configuration mean for this log: nothing new, a change, the end of an old one. Nothing is read or
 * written here.
 * @throws PosternError LOG_KEY_UNKNOWN: somebody exchanged a key
 */
export async function planKeys(history: KeyHistory, keys: ConfiguredKeys): Promise<KeyPlan> {
  const { vkey, retiring } = keys
  const changes = history.proofs.map(({ leaf }) => readKeyChange(leaf, history.origin))
  const { newest: proven, live, all } = standingOf(changes)
  // A life that wrote the proof and died has left the word that the change was begun.
  const begun = all.has(history.begun?.new ?? "") ? undefined : history.begun
  const newest = begun?.old ?? proven ?? keyBefore(history, keys)
  const isNew = newest !== undefined && newest !== vkey
  if (begun !== undefined && begun.new !== vkey) {
    throw unknown(`the change to ${begun.new} was begun and is not finished: ${vkey}`)
  }
  if (isNew && all.has(vkey)) throw unknown(`${vkey} was this log's key before: take a new one`)
  const roll = isNew ? await planRoll(history.origin, newest, keys) : undefined
  const isKnown = retiring !== undefined && (live.has(retiring) || retiring === newest)
  const together = isKnown && retiring !== vkey
  const named = new Set([vkey, retiring, isNew ? newest : undefined])
  const first = [vkey, ...(together ? [retiring] : []), ...(newest === undefined ? [] : [newest])]
  return {
    roll,
    together,
    retire: [...live].filter((key) => !named.has(key)),
    live: [...new Set([...first, ...live])],
    known: [...new Set([...first, ...all])],
  }
}

function standingOf(changes: readonly KeyChange[]) {
  const live = new Set<string>()
  const all = new Set<string>()
  let newest: string | undefined
  for (const change of changes) {
    if (change.action === "retired") {
      live.delete(change.vkey)
      continue
    }
    newest = change.new
    if (!all.has(change.old)) live.add(change.old)
    live.add(change.new)
    all.add(change.old).add(change.new)
    if (change.reason === "compromised") live.delete(change.old)
  }
  return { newest, live, all }
}

/** The key of a log whose key never changed: the one that signed what is published. Undefined for a log that has signed nothing. */
function keyBefore(
  { origin, before, checkpoint }: KeyHistory,
  { vkey, retiring }: ConfiguredKeys,
): string | undefined {
  const candidates = [vkey, retiring, before].filter((key) => key?.startsWith(`${origin}+`))
  const known = [...new Set(candidates)] as string[]
  const signatures = checkpoint === undefined ? undefined : linesOf(checkpoint)
  if (signatures === undefined) {
    // Nothing was signed here yet, but the key that is to retire was handed out already.
    if (before === undefined) return retiring
    return known.includes(before) ? before : undefined
  }
  const signed = known.find((key) => {
    const { name, keyId } = parseVkey(key)
    return signatures.some((line) => line.name === name && line.keyId === keyId)
  })
  if (signed === undefined) throw unknown(`${vkey} did not sign what this log has published`)
  return signed
}

/** Undefined for a file that is damaged: then it says nothing. */
function linesOf(note: string): readonly NoteSignature[] | undefined {
  try {
    return parseNote(note).signatures
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

async function planRoll(
  origin: string,
  old: string,
  { vkey, retiring, certificate, rootVkey }: ConfiguredKeys,
): Promise<NonNullable<KeyPlan["roll"]>> {
  const isPlanned = retiring === old
  if (certificate === undefined) {
    if (isPlanned) return { old, reason: "planned", certificate }
    throw unknown(`${vkey} is certified neither by ${old} nor by a root key`)
  }
  const byRoot = await certifiedByRoot(certificate, origin, vkey, [
    old,
    ...(rootVkey === undefined ? [] : [rootVkey]),
  ])
  if (!isPlanned && !byRoot) {
    throw unknown(`pki.retiringLogKey must name ${old}, which signs beside ${vkey} at first`)
  }
  return { old, reason: isPlanned ? "planned" : "compromised", certificate }
}

async function certifiedByRoot(
  certificate: string,
  origin: string,
  vkey: string,
  by: readonly string[],
): Promise<boolean> {
  const { text, verifiedBy } = await openNote(certificate, by).catch((cause) => {
    throw unknown("pki.logKeyCertificate is by no key that may say so", cause)
  })
  if (text !== formatKeyCertificateText(origin, vkey)) {
    throw unknown("pki.logKeyCertificate is that of another key")
  }
  return verifiedBy.some(({ name }) => name === rootKeyName(origin))
}

function unknown(detail: string, cause?: unknown): PosternError {
  return new PosternError("LOG_KEY_UNKNOWN", detail, { cause })
}
