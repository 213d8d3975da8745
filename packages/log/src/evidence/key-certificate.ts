import { assert, PosternError } from "../base/index.ts"
import { formatVkey, isKeyName, parseVkey } from "../tlog/index.ts"

const certificateVersion = "postern-log-key/v1"

/** The name of the offline key that may certify a log key when the old one cannot be believed any more. */
export function rootKeyName(origin: string): string {
  return `${origin}/root`
}

/** The text that the old log key, or the root key, signs to certify a new log key (docs/spec/keys.md). */
export function formatKeyCertificateText(origin: string, vkey: string): string {
  assert(isKeyName(origin) && parseVkey(vkey).name === origin, "a log key is named as its log")
  return `${certificateVersion}\n${origin}\n${vkey}\n`
}

/** @throws PosternError KEY_CHANGE_INVALID, or NOTE_INVALID for the key in it */
export function parseKeyCertificateText(text: string): {
  readonly origin: string
  readonly vkey: string
} {
  const [version, origin = "", vkey = "", end, ...more] = text.split("\n")
  demandKeys(version === certificateVersion, "not the text of a log key's certificate")
  demandKeys(end === "" && more.length === 0, "a log key's certificate has three lines")
  demandKeys(parseVkey(vkey).name === origin, "the certified key is one of another log")
  return { origin, vkey: plainVkey(vkey) }
}

/** One text for one key: the key id may be written in capital letters. @throws PosternError NOTE_INVALID */
export function plainVkey(vkey: string): string {
  const { name, publicKey } = parseVkey(vkey)
  return formatVkey(name, publicKey)
}

/** For what others claim: throws KEY_CHANGE_INVALID unless the condition holds. */
export function demandKeys(holds: boolean, detail: string): asserts holds {
  if (!holds) throw new PosternError("KEY_CHANGE_INVALID", detail)
}
