import { createPrivateKey, type KeyObject, sign } from "node:crypto"
import { encodeUtf8, formatBase64 } from "@postern/log/base"
import { type StreamStatement, streamStatementText } from "@postern/log/evidence"
import type { Profile } from "../profile.ts"
import type { Timer, World } from "./world.ts"

/** Where a stream stands, as the writer can sign for it. */
export type StreamPoint = Pick<StreamStatement, "stream" | "next" | "digest">

/** A stream that goes on is signed for so often, one that has come to rest once more. */
const beatMs = 30_000

/**
 * Signs for what this writer sent, with the key of the certificate that the connection showed, and says when a beat is due
 * (docs/spec/wire.md). Costs nothing between two beats but a look at a flag.
 */
export class StreamSigner {
  readonly #world: World
  readonly #onDue: () => void
  #profile: Profile | undefined
  #key: KeyObject | undefined
  #timer: Timer | undefined
  #isDue = false
  #isRefused = false
  /** The point of the last signature, if nothing was sent since: one beat is enough for it. */
  #signed = ""

  /** @param onDue a beat may be sent now */
  constructor(world: World, onDue: () => void) {
    this.#world = world
    this.#onDue = onDue
  }

  get isDue(): boolean {
    return this.#isDue
  }

  /** The one of the connection. */
  get profile(): Profile | undefined {
    return this.#profile
  }

  /** The identity of the connection from here on. */
  begin(profile: Profile): void {
    this.#profile = profile
    this.#key = undefined
  }

  /** Something was sent, perhaps again: whether a beat for it reached the port on an earlier connection is not known. */
  sent(): void {
    this.#signed = ""
    this.advanced()
  }

  /** A beat is due in a while, if there is anything that none covers. */
  advanced(): void {
    if (this.#timer !== undefined || this.#isDue || this.#isRefused) return
    this.#timer = this.#world.startTimer(() => {
      this.#timer = undefined
      this.#isDue = true
      this.#onDue()
    }, beatMs)
    this.#timer.hold(false)
  }

  /** The port did not take a signature: better none than no connection. */
  refuse(): void {
    this.#isRefused = true
    this.end()
  }

  end(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isDue = false
  }

  /** The members of BEAT or CLOSE; undefined if there is nothing new to sign, or no key that can. */
  sign(
    kind: StreamStatement["kind"],
    point: StreamPoint | undefined,
  ): { sequence: number; signature: string } | undefined {
    const key = this.#privateKey()
    if (this.#profile === undefined || key === undefined || point === undefined) return undefined
    const signed = `${point.stream} ${point.next}`
    if (kind === "beat" && signed === this.#signed) return undefined
    this.#signed = signed
    const { origin } = this.#profile.log
    const message = encodeUtf8(streamStatementText({ origin, kind, ...point }))
    const isEdwards = key.asymmetricKeyType === "ed25519"
    const signature = isEdwards
      ? sign(undefined, message, key)
      : sign("sha256", message, { key, dsaEncoding: "ieee-p1363" })
    this.#isDue = false
    return { sequence: point.next, signature: formatBase64(signature) }
  }

  /** Undefined for kinds of keys that sign no streams (docs/spec/evidence.md). */
  #privateKey(): KeyObject | undefined {
    if (this.#profile === undefined || this.#isRefused) return undefined
    this.#key ??= createPrivateKey(this.#profile.key)
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = this.#key
    const signs = type === "ed25519" || (type === "ec" && details?.namedCurve === "prime256v1")
    return signs ? this.#key : undefined
  }
}
