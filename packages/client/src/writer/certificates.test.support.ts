/** Certificates made at test time: as much X.509 (RFC 5280) as a test of mutual TLS needs, and no library for it. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"

/** PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

export interface Authority {
  readonly certificate: string
  /** A leaf with these URIs as its subject alternative names, good for client and server. */
  issue(...uris: readonly string[]): Identity
}

const oids = {
  ecdsaWithSha256: "06082a8648ce3d040302",
  commonName: "0603550403",
  basicConstraints: "0603551d13",
  extendedKeyUsage: "0603551d25",
  subjectAltName: "0603551d11",
  serverAuth: "06082b06010505070301",
  clientAuth: "06082b06010505070302",
} as const

function oid(name: keyof typeof oids): Buffer {
  return Buffer.from(oids[name], "hex")
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = Buffer.alloc(2)
  length.writeUInt16BE(body.length)
  return Buffer.concat([Buffer.from([tag, 0x82]), length, body])
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts)
const yes = der(0x01, Buffer.from([0xff]))
const signatureAlgorithm = sequence(oid("ecdsaWithSha256"))

function name(text: string): Buffer {
  return sequence(der(0x31, sequence(oid("commonName"), der(0x0c, Buffer.from(text)))))
}

function time(date: Date): Buffer {
  const text = `${date.toISOString().replaceAll(/[-:T]|\.\d+/g, "")}`
  return der(0x18, Buffer.from(text))
}

function extension(type: keyof typeof oids, value: Uint8Array): Buffer {
  return sequence(oid(type), yes, der(0x04, value))
}

function certify(
  subject: string,
  key: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  extensions: readonly Uint8Array[],
): string {
  const now = Date.now()
  const hour = 3_600_000
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)])
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    signatureAlgorithm,
    name(issuer),
    sequence(time(new Date(now - hour)), time(new Date(now + hour))),
    name(subject),
    key.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = sign("sha256", body, issuerKey)
  const whole = sequence(body, signatureAlgorithm, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`
}

export function createAuthority(): Authority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const ca = extension("basicConstraints", sequence(yes))
  return {
    certificate: certify("test CA", publicKey, "test CA", privateKey, [ca]),
    issue(...uris) {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" })
      const names = uris.map((uri) => der(0x86, Buffer.from(uri)))
      const extensions = [
        extension("extendedKeyUsage", sequence(oid("serverAuth"), oid("clientAuth"))),
        ...(names.length > 0 ? [extension("subjectAltName", sequence(...names))] : []),
      ]
      return {
        certificate: certify("leaf", own.publicKey, "test CA", privateKey, extensions),
        key: own.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      }
    },
  }
}
