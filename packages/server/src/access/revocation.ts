import { z } from "zod"
import { words } from "./words.ts"

const revokedMax = 10_000

const serial = z
  .string()
  .regex(/^(?:0|[1-9a-f][0-9a-f]{0,39})$/, "must be lower-case hex without leading zeros")

const key = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be the SHA-256 of a public key (SubjectPublicKeyInfo), hex")

const revocation = z
  .strictObject({
    serial: serial.optional(),
    key: key.optional(),
    reason: words.optional(),
  })
  .refine(
    (one) => (one.serial === undefined) !== (one.key === undefined),
    "must name one of serial, key",
  )

/** Certificates that are good by themselves and are not taken any more, whoever shows them. */
export const revocations = z
  .array(revocation)
  .max(revokedMax, `must name at most ${revokedMax}`)
  .default([])

export type Revocation = z.output<typeof revocation>

/** Of a certificate, as the acceptor tells them. */
export interface CertificateMarks {
  /** Hex; upper or lower case, with or without leading zeros. */
  readonly serial: string
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly key: string
}

/** A certificate's serial number as the list writes it. */
export function formatSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+(?=.)/, "")
}

export class Revocations {
  readonly #bySerial = new Map<string, Revocation>()
  readonly #byKey = new Map<string, Revocation>()

  constructor(all: readonly Revocation[]) {
    for (const one of all) {
      if (one.serial !== undefined) this.#bySerial.set(one.serial, one)
      if (one.key !== undefined) this.#byKey.set(one.key, one)
    }
  }

  find({ serial, key }: CertificateMarks): Revocation | undefined {
    return this.#bySerial.get(formatSerial(serial)) ?? this.#byKey.get(key)
  }
}
