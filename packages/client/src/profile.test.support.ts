/** Who is who in tests: a CA of their own, certificates with one SPIFFE name, the keys of a log, profiles. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto"
import { concatBytes, encodeUtf8, parseHex } from "@postern/log/base"
import { formatVkey, type NoteSigner, noteKeyId } from "@postern/log/tlog"
import type { Profile, ProfileRole } from "./profile.ts"

export const origin = "postern.test/log"
export const serverId = "spiffe://postern.test/server"

/** PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

/** A signer of notes, with the key that checks them. */
export type TestSigner = NoteSigner & { readonly vkey: string }

/** The same name and byte give the same key. */
export function createSigner(name: string, seedByte: number): TestSigner {
  const prefix = parseHex("302e020100300506032b657004220420") as Uint8Array
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(seedByte)))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ format: "der", type: "spki" })
  const publicKey = new Uint8Array(spki.subarray(12))
  return {
    name,
    keyId: noteKeyId(name, publicKey),
    vkey: formatVkey(name, publicKey),
    sign: (message) => sign(null, message, key),
  }
}

/** A certificate authority that signs whatever it is asked to. */
export class TestAuthority {
  readonly certificate: string
  readonly #key: KeyObject
  #serial = 1

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    this.#key = privateKey
    const isCa = extension("551d13", true, sequence(primitive(0x01, Uint8Array.of(0xff))))
    this.certificate = this.#issue("test CA", publicKey, [isCa])
  }

  /** @param ids URI names, in order */
  issue(...ids: readonly string[]): Identity {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    const names = sequence(...ids.map((id) => primitive(0x86, encodeUtf8(id))))
    const certificate = this.#issue("test", publicKey, [extension("551d11", false, names)])
    return { certificate, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() }
  }

  /** RFC 5280 §4.1, as far as TLS needs it. */
  #issue(subject: string, publicKey: KeyObject, extensions: readonly Uint8Array[]): string {
    const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"))
    const day = 86_400_000
    const tbs = sequence(
      primitive(0xa0, integer(2)),
      integer(this.#serial++),
      ecdsaWithSha256,
      commonName("test CA"),
      sequence(time(Date.now() - day), time(Date.now() + day)),
      commonName(subject),
      publicKey.export({ type: "spki", format: "der" }),
      primitive(0xa3, sequence(...extensions)),
    )
    const signature = concatBytes(Uint8Array.of(0), sign("sha256", tbs, this.#key))
    return pem(sequence(tbs, ecdsaWithSha256, primitive(0x03, signature)))
  }
}

/** A profile that trusts the authority's server and the log's key. Writers have a spool in `directory`. */
export function createProfile(
  role: ProfileRole,
  authority: TestAuthority,
  vkey: string,
  address: string,
  spool = "spool",
): Profile {
  const id = `spiffe://postern.test/${role}/app`
  return {
    ...{ role, id, server: serverId, address, log: { origin, vkey } },
    ...(role === "writer" ? { source: "app://test", spool } : {}),
    ...{ ca: authority.certificate, ...authority.issue(id) },
  }
}

function pem(der: Uint8Array): string {
  // Node reads DER and writes the PEM that it likes best itself.
  return new X509Certificate(der).toString()
}

function primitive(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  return concatBytes(Uint8Array.from(head), content)
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return primitive(0x30, concatBytes(...parts))
}

function integer(value: number): Uint8Array {
  return primitive(0x02, Uint8Array.of(value))
}

function oid(hex: string): Uint8Array {
  return primitive(0x06, parseHex(hex) as Uint8Array)
}

function time(ms: number): Uint8Array {
  const text = `${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`
  return primitive(0x18, encodeUtf8(text))
}

function commonName(name: string): Uint8Array {
  const attribute = sequence(oid("550403"), primitive(0x0c, encodeUtf8(name)))
  return sequence(primitive(0x31, attribute))
}

function extension(hex: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? primitive(0x01, Uint8Array.of(0xff)) : new Uint8Array()
  return sequence(oid(hex), critical, primitive(0x04, value))
}
