import { equalBytes } from "@postern/log/base"
import { type DerValue, derTags, expectDer, invalid, readDer } from "./der-reader.ts"
import { sha256Id } from "./timestamp-request.ts"

/** 64 KiB hold a token with a long chain of certificates. */
const responseBytesMax = 65_536
/** id-signedData (RFC 5652 §5.1) and id-ct-TSTInfo (RFC 3161 §2.4.2), as contents of OBJECT IDENTIFIERs. */
const signedDataId = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02)
const tstInfoId = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04)
const timePattern = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/

/** What a time stamping authority says; its signature over it is not checked here. */
export interface TimestampResponse {
  /** SHA-256 of what was stamped. */
  readonly digest: Uint8Array
  /** As RFC 3339. */
  readonly time: string
  /** Without leading zeros; undefined if the answer has none. */
  readonly nonce: Uint8Array | undefined
}

/**
 * Reads a TimeStampResp (RFC 3161 §2.4.2) as far as our question goes. Everything in it may come from an enemy.
 * @throws PosternError ANCHOR_INVALID, also if the authority did not grant the stamp
 */
export function parseTimestampResponse(bytes: Uint8Array): TimestampResponse {
  if (bytes.length > responseBytesMax) throw invalid(`over ${responseBytesMax} bytes`)
  const [whole, ...more] = readDer(bytes)
  if (more.length > 0) throw invalid("something behind the answer")
  const [status, token] = readDer(expectDer(whole, derTags.sequence, "TimeStampResp"))
  demandGranted(status)
  const [type, content] = readDer(expectDer(token, derTags.sequence, "time stamp token"))
  demandId(type, signedDataId, "signed data")
  const [signed] = readDer(expectDer(content, derTags.context0, "content of the token"))
  const [, , encapsulated] = readDer(expectDer(signed, derTags.sequence, "SignedData"))
  const [kind, wrapped] = readDer(expectDer(encapsulated, derTags.sequence, "encapsulated content"))
  demandId(kind, tstInfoId, "time stamp")
  const [octets] = readDer(expectDer(wrapped, derTags.context0, "encapsulated octets"))
  const [info] = readDer(expectDer(octets, derTags.octets, "encapsulated octets"))
  return readInfo(readDer(expectDer(info, derTags.sequence, "TSTInfo")))
}

/** PKIStatus granted (0) or grantedWithMods (1); anything else is a refusal (RFC 3161 §2.4.2). */
function demandGranted(value: DerValue | undefined): void {
  const [status] = readDer(expectDer(value, derTags.sequence, "status"))
  const [code, ...more] = expectDer(status, derTags.integer, "status")
  if (more.length > 0 || (code !== 0 && code !== 1)) {
    throw invalid(
      `the authority refused (status ${code}): openssl ts -reply -in FILE -text says why`,
    )
  }
}

/** version, policy, messageImprint, serialNumber, genTime, then optional ones in any combination. */
function readInfo(fields: readonly DerValue[]): TimestampResponse {
  const [, , imprint, , generated, ...optional] = fields
  const [algorithm, digest] = readDer(expectDer(imprint, derTags.sequence, "message imprint"))
  const [hashId] = readDer(expectDer(algorithm, derTags.sequence, "hash algorithm"))
  demandId(hashId, sha256Id, "imprint by SHA-256")
  const nonce = optional.find(({ tag }) => tag === derTags.integer)?.content
  return {
    digest: expectDer(digest, derTags.octets, "imprint"),
    time: timeOf(expectDer(generated, derTags.generalizedTime, "time")),
    nonce: nonce?.[0] === 0 ? nonce.subarray(1) : nonce,
  }
}

function timeOf(bytes: Uint8Array): string {
  const match = timePattern.exec(String.fromCharCode(...bytes.subarray(0, 40)))
  if (match === null) throw invalid("a time that is not GeneralizedTime in UTC")
  const [, year, month, day, hour, minute, second, fraction = ""] = match
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`
}

function demandId(value: DerValue | undefined, id: Uint8Array, what: string): void {
  if (!equalBytes(expectDer(value, derTags.objectId, what), id)) throw invalid(`no ${what}`)
}
