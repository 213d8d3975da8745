/**
 * ECDSA on P-256 with SHA-256 (FIPS 186-5), with a nonce that follows from the message, so that
 * vectors are the same each time they are made. Slow, not constant in time: for fixed test keys only.
 */
import { createHash } from "node:crypto"

const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const g: Point = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
]

type Point = readonly [bigint, bigint] | undefined

function mod(a: bigint, m: bigint): bigint {
  return ((a % m) + m) % m
}

function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n
  for (let b = mod(base, m), e = exponent; e > 0n; e >>= 1n, b = (b * b) % m) {
    if (e & 1n) result = (result * b) % m
  }
  return result
}

function add(a: Point, b: Point): Point {
  if (a === undefined) return b
  if (b === undefined) return a
  const [ax, ay] = a
  const [bx, by] = b
  if (ax === bx && ay !== by) return undefined
  const [top, bottom] = ax === bx ? [3n * ax * ax - 3n, 2n * ay] : [by - ay, bx - ax]
  const slope = mod(top * power(bottom, p - 2n, p), p)
  const x = mod(slope * slope - ax - bx, p)
  return [x, mod(slope * (ax - x) - ay, p)]
}

function times(scalar: bigint, point: Point): Point {
  let sum: Point
  for (let s = scalar, q = point; s > 0n; s >>= 1n, q = add(q, q)) if (s & 1n) sum = add(sum, q)
  return sum
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`)
}

function bytesOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex")
}

function digest(...parts: readonly Uint8Array[]): bigint {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return numberOf(hash.digest())
}

function secretOf(seedByte: number): bigint {
  return mod(digest(Buffer.from(`p256 ${seedByte}`)), n)
}

/** SubjectPublicKeyInfo, 91 bytes. */
export function spkiOfP256(seedByte: number): Uint8Array {
  const [x, y] = times(secretOf(seedByte), g) as readonly [bigint, bigint]
  const prefix = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
  return new Uint8Array(Buffer.concat([Buffer.from(prefix, "hex"), bytesOf(x), bytesOf(y)]))
}

/** r ‖ s, 64 bytes. */
export function signP256(seedByte: number, message: Uint8Array): Uint8Array {
  const secret = secretOf(seedByte)
  const k = mod(digest(bytesOf(secret), message), n)
  const [x] = times(k, g) as readonly [bigint, bigint]
  const r = mod(x, n)
  const s = mod(power(k, n - 2n, n) * (digest(message) + r * secret), n)
  return new Uint8Array(Buffer.concat([bytesOf(r), bytesOf(s)]))
}
