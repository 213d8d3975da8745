import { assert, encodeUtf8, formatBase64, parseBase64, verifyEd25519 } from "../base/index.ts"
import { demandNote, quote } from "./demand.ts"
import { isKeyName, parseVkey, type Vkey } from "./vkey.ts"

/** As many bytes and lines as Go's sumdb/note reads, so that both accept the same notes. */
const noteBytesMax = 1_000_000
const signaturesMax = 100
const keyIdBytes = 4

export interface NoteSignature {
  readonly name: string
  /** Unsigned, 32 bits. */
  readonly keyId: number
  /** What follows the key id; 64 bytes for Ed25519. At least one byte. */
  readonly signature: Uint8Array
}

/** A signed note that was parsed; nothing says yet that a signature is right. */
export interface Note {
  /** Ends in a line feed. */
  readonly text: string
  /** 1 to 100. */
  readonly signatures: readonly NoteSignature[]
}

/** A key to sign with. The secret stays behind `sign`. */
export interface NoteSigner {
  readonly name: string
  /** As noteKeyId computes it. */
  readonly keyId: number
  /** Signs these bytes, as they are. */
  sign(message: Uint8Array): Promise<Uint8Array> | Uint8Array
}

/**
 * The text, an empty line, and for each signature `— <name> <base64 of key id ‖ signature>`
 * (signed-note v1.0.0).
 */
export function formatNote({ text, signatures }: Note): string {
  assert(isNoteText(text), "the text of a note has no control character and ends in a line feed")
  assert(
    signatures.length >= 1 && signatures.length <= signaturesMax,
    "a note has 1 to 100 signatures",
  )
  return `${text}\n${formatSignatureLines(signatures)}`
}

/** The lines of these signatures as they stand in a note, each with its line feed. */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  return signatures.map(formatSignature).join("")
}

function formatSignature({ name, keyId, signature }: NoteSignature): string {
  assert(isKeyName(name) && signature.length > 0, "a signature has a key name and a byte")
  const blob = new Uint8Array(keyIdBytes + signature.length)
  new DataView(blob.buffer).setUint32(0, keyId)
  blob.set(signature, keyIdBytes)
  return `— ${name} ${formatBase64(blob)}\n`
}

/**
 * Parses a signed note strictly; verifies nothing.
 * @throws PosternError NOTE_INVALID
 */
export function parseNote(note: string): Note {
  // A string has at most as many UTF-16 units as bytes, so this bounds the work before any byte is
  // looked at.
  const fits = note.length <= noteBytesMax && encodeUtf8(note).length <= noteBytesMax
  demandNote(fits, `over ${noteBytesMax} bytes`)
  const split = note.lastIndexOf("\n\n")
  demandNote(split >= 0, "no empty line between text and signatures")
  const text = note.slice(0, split + 1)
  demandNote(isNoteText(text), "a control character or half a surrogate pair in the text")
  return { text, signatures: parseSignatureLines(note.slice(split + 2)) }
}

/**
 * Parses 1 to 100 signature lines, without the text that they sign; verifies nothing.
 * @throws PosternError NOTE_INVALID
 */
export function parseSignatureLines(lines: string): NoteSignature[] {
  demandNote(lines.length <= noteBytesMax, `over ${noteBytesMax} bytes`)
  const each = lines.split("\n")
  demandNote(each.pop() === "", "no line feed at the end")
  demandNote(each.length >= 1, "no signature")
  demandNote(each.length <= signaturesMax, `over ${signaturesMax} signatures`)
  return each.map(parseSignature)
}

function parseSignature(line: string): NoteSignature {
  const [dash, name, base64, ...more] = line.split(" ")
  const blob = base64 === undefined || more.length > 0 ? undefined : parseBase64(base64)
  const whole = dash === "—" && name !== undefined && isKeyName(name) && blob !== undefined
  demandNote(whole, `${quote(line)} is not a signature line`)
  demandNote(blob.length > keyIdBytes, `${quote(line)} is too short`)
  const keyId = new DataView(blob.buffer, blob.byteOffset).getUint32(0)
  return { name, keyId, signature: blob.subarray(keyIdBytes) }
}

/** A UTF-8 text that ends in a line feed and has no other byte below 0x20 (signed-note v1.0.0). */
function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return text.endsWith("\n") && !/[\u0000-\u0009\u000b-\u001f\p{Surrogate}]/u.test(text)
}

/** A note of which at least one signature was verified. */
export interface OpenedNote {
  readonly text: string
  /** The keys that verified, each once, in the order of the signatures. */
  readonly verifiedBy: readonly Vkey[]
}

/**
 * Opens a signed note: signatures of unknown keys are ignored, every one of a known key must be
 * right, and there must be one (signed-note v1.0.0).
 * @param vkeys Ed25519 verifier keys, as text
 * @throws PosternError NOTE_INVALID
 */
export async function openNote(note: string, vkeys: readonly string[]): Promise<OpenedNote> {
  const known = [...new Set(vkeys)].map(parseVkey)
  const { text, signatures } = parseNote(note)
  const message = encodeUtf8(text)
  const verifiedBy = new Set<Vkey>()
  for (const { name, keyId, signature } of signatures) {
    // Two known keys may share a name and, by an enemy's effort, a key id: then neither can be told
    // from the other.
    const vkeysOfName = known.filter((vkey) => vkey.name === name && vkey.keyId === keyId)
    for (const vkey of vkeysOfName) {
      const right = await verifyEd25519(vkey.publicKey, message, signature)
      demandNote(right, `the signature of ${quote(name)} is wrong`)
      verifiedBy.add(vkey)
    }
  }
  demandNote(
    verifiedBy.size > 0,
    `no signature of ${known.map(({ name }) => quote(name)).join(", ")}`,
  )
  return { text, verifiedBy: [...verifiedBy] }
}

/**
 * Signs the UTF-8 bytes of the text with one key, or with several, one line each.
 * @param text ends in a line feed and has no other control character
 */
export async function signNote(text: string, ...signers: readonly NoteSigner[]): Promise<string> {
  assert(isNoteText(text), "the text of a note has no control character and ends in a line feed")
  const message = encodeUtf8(text)
  const signatures: NoteSignature[] = []
  for (const signer of signers) {
    const { name, keyId } = signer
    signatures.push({ name, keyId, signature: await signer.sign(message) })
  }
  return formatNote({ text, signatures })
}
