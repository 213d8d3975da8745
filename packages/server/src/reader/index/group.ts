import { crc32 } from "node:zlib"
import { equalBytes } from "@postern/log/base"
import { finishHash, hashKeyBytes } from "./keyed-hash.ts"
import type { Part } from "./part.ts"
import { PartDamaged, type PartSource } from "./part-source.ts"

/** So many parts that follow one another share a file that says which of them may hold a token (docs/spec/index.md, Groups). */
export const groupParts = 16

const magic = Buffer.from("postgrp1")
const [fixedBytes, memberBytes, crcBytes] = [40, 48, 4]
const headerBytes = fixedBytes + groupParts * memberBytes + crcBytes
/** Bits of a bucket for each part, and the terms of the part with the most of them that share a bucket. */
const bucketBits = 256
const bucketTerms = 42
const bucketBytes = bucketBits * 2
const bitsPerTerm = 4

interface Member {
  readonly first: number
  readonly count: number
  /** Holds entries of which not all tokens are known: never ruled out. */
  readonly isCapped: boolean
  readonly root: Uint8Array
}

/** Which parts of a group may hold a token. Each bucket is checked when it is read. Methods throw PartDamaged. */
export class Group {
  readonly first: number
  readonly members: readonly Member[]
  readonly #source: PartSource
  readonly #buckets: number

  private constructor(members: readonly Member[], buckets: number, source: PartSource) {
    this.first = (members[0] as Member).first
    this.members = members
    this.#buckets = buckets
    this.#source = source
  }

  /** @throws PartDamaged if it is not one of this version and seed */
  static open(source: PartSource, seed: Uint8Array): Group {
    const header = source.read(0, headerBytes)
    const view = new DataView(header.buffer, header.byteOffset, headerBytes)
    const crcAt = headerBytes - crcBytes
    const isWhole =
      equalBytes(header.subarray(0, 8), magic) &&
      view.getUint32(crcAt, true) === crc32(header.subarray(0, crcAt))
    if (!isWhole || !equalBytes(header.subarray(8, 8 + hashKeyBytes), seed))
      throw new PartDamaged("group: header")
    const buckets = view.getUint32(24, true)
    if (buckets < 1 || headerBytes + buckets * (bucketBytes + crcBytes) !== source.length)
      throw new PartDamaged("group: length")
    const members = Array.from({ length: groupParts }, (_, i) => {
      const at = fixedBytes + i * memberBytes
      const isCapped = view.getUint32(at + 12, true) !== 0
      return {
        first: view.getFloat64(at, true),
        count: view.getUint32(at + 8, true),
        isCapped,
        root: header.slice(at + 16, at + 48),
      }
    })
    return new Group(members, buckets, source)
  }

  /** A bit for each part: those that may hold a token with this hash. */
  holding(hash: number): number {
    const bytes = bucketBytes + crcBytes
    const bucket = this.#source.read(headerBytes + bucketOf(hash, this.#buckets) * bytes, bytes)
    const view = new DataView(bucket.buffer, bucket.byteOffset, bytes)
    if (view.getUint32(bucketBytes, true) !== crc32(bucket.subarray(0, bucketBytes)))
      throw new PartDamaged("group: bucket")
    let parts = 0xffff
    let bits = bitsOf(hash)
    for (let i = 0; i < bitsPerTerm; i++, bits >>>= 8)
      parts &= view.getUint16((bits & 0xff) * 2, true)
    for (const [i, { isCapped }] of this.members.entries()) if (isCapped) parts |= 1 << i
    return parts
  }

  /** Whether a member is this part. */
  isMember(place: number, part: Part): boolean {
    const member = this.members[place]
    return (
      member?.first === part.first &&
      member.count === part.count &&
      equalBytes(member.root, part.header.root)
    )
  }

  get bytes(): number {
    return this.#source.length
  }

  close(): void {
    this.#source.close()
  }
}

/** The file of a group. `parts`: groupParts of them, one behind the other. @throws PartDamaged */
export function encodeGroup(parts: readonly Part[], seed: Uint8Array): Uint8Array {
  const terms = parts.map((part) => part.termHashes())
  const most = Math.max(...terms.map(({ length }) => length))
  const buckets = Math.max(1, Math.ceil(most / bucketTerms))
  const bytes = new Uint8Array(headerBytes + buckets * (bucketBytes + crcBytes))
  const view = new DataView(bytes.buffer)
  bytes.set(magic)
  bytes.set(seed, 8)
  view.setUint32(24, buckets, true)
  for (const [i, part] of parts.entries()) {
    const at = fixedBytes + i * memberBytes
    view.setFloat64(at, part.first, true)
    view.setUint32(at + 8, part.count, true)
    view.setUint32(at + 12, part.marks("capped") === "none" ? 0 : 1, true)
    bytes.set(part.header.root, at + 16)
    for (const hash of terms[i] as Uint32Array) {
      const bucketAt = headerBytes + bucketOf(hash, buckets) * (bucketBytes + crcBytes)
      let bits = bitsOf(hash)
      for (let n = 0; n < bitsPerTerm; n++, bits >>>= 8) {
        const word = bucketAt + (bits & 0xff) * 2
        view.setUint16(word, view.getUint16(word, true) | (1 << i), true)
      }
    }
  }
  for (let bucket = 0; bucket < buckets; bucket++) {
    const at = headerBytes + bucket * (bucketBytes + crcBytes)
    view.setUint32(at + bucketBytes, crc32(bytes.subarray(at, at + bucketBytes)), true)
  }
  view.setUint32(headerBytes - crcBytes, crc32(bytes.subarray(0, headerBytes - crcBytes)), true)
  return bytes
}

function bucketOf(hash: number, buckets: number): number {
  return Math.floor((hash / 0x1_0000_0000) * buckets)
}

/** Four bits of the bucket, a byte each. */
function bitsOf(hash: number): number {
  return finishHash(hash ^ 0x5bd1_e995)
}
