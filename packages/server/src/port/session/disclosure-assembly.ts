import { createHash } from "node:crypto"
import { limits, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import type { DisclosurePart } from "@postern/log/wire"
import type { AssemblyPlaces } from "./assembly-places.ts"
import type { Intake, SessionPeer } from "./intake.ts"

interface Begun {
  /** 43 characters of base64url. */
  readonly digest: string
  /** Untouched pages of it take no memory. */
  readonly json: Buffer
  filled: number
  hashed: number
  readonly hash: ReturnType<typeof createHash>
}

/**
 * The disclosure that a connection hands over just now, put together from its frames (docs/spec/wire.md, Disclosures). It is hashed
 * as it comes: 8 MiB at once would keep everybody else waiting. What comes in one frame needs no place.
 */
export class DisclosureAssembly {
  readonly #intake: Intake
  readonly #places: AssemblyPlaces
  readonly #peer: SessionPeer
  /** Called when there is a place after all. */
  readonly #go: () => void
  #place: "none" | "asked" | "held" = "none"
  #begun: Begun | undefined
  #isKeeping = false

  constructor(intake: Intake, places: AssemblyPlaces, peer: SessionPeer, go: () => void) {
    this.#intake = intake
    this.#places = places
    this.#peer = peer
    this.#go = () => {
      this.#place = "held"
      go()
    }
  }

  /** Parts have come, and more must follow. */
  get isUnfinished(): boolean {
    return this.#begun !== undefined
  }

  /** Whether the part can be added now; otherwise `go` is called when it can. */
  hasRoom({ isMore }: DisclosurePart): boolean {
    if (!isMore || this.#place === "held") return true
    if (!this.#places.take(this.#peer.id, this.#go)) this.#place = "asked"
    else this.#place = "held"
    return this.#place === "held"
  }

  /**
   * Undefined while more must follow; of the last part, resolves when the disclosure is kept. The part may be written over
   * afterwards. Errors: DISCLOSURE_SYNTAX, at once; rejects as the intake does.
   */
  add({ digest, isMore, part }: DisclosurePart): Promise<void> | undefined {
    const named = Buffer.from(digest).toString("base64url")
    this.#begun ??= {
      digest: named,
      json: Buffer.allocUnsafeSlow(isMore ? limits.disclosureBytesMax : part.length),
      filled: 0,
      hashed: 0,
      hash: createHash("sha256"),
    }
    const begun = this.#begun
    if (begun.digest !== named) throw broken(`a part of ${named} stands within ${begun.digest}`)
    if (begun.filled + part.length > limits.disclosureBytesMax) throw broken("it is too large")
    begun.json.set(part, begun.filled)
    begun.filled += part.length
    // Base64 of whole groups of three bytes goes on where the one before ended.
    const end = isMore ? begun.filled - (begun.filled % 3) : begun.filled
    begun.hash.update(begun.json.toString("base64url", begun.hashed, end), "latin1")
    begun.hashed = end
    if (isMore) return undefined
    this.#begun = undefined
    const found = begun.hash.digest("base64url")
    if (found !== named) throw broken(`it is ${found}, not ${named}`)
    return this.#keep({ json: begun.json.subarray(0, begun.filled), digest: named })
  }

  async #keep(disclosure: KeptOut): Promise<void> {
    this.#isKeeping = true
    try {
      await this.#intake.keepDisclosure(this.#peer, disclosure)
    } finally {
      this.#isKeeping = false
      this.release()
    }
  }

  /** Nobody wants what was put together so far. What is on its way to the disk keeps its place until it is there. */
  release(): void {
    this.#begun = undefined
    if (this.#isKeeping) return
    if (this.#place === "asked") this.#places.forget(this.#go)
    if (this.#place === "held") this.#places.give(this.#peer.id)
    this.#place = "none"
  }
}

function broken(detail: string): PosternError {
  return new PosternError("DISCLOSURE_SYNTAX", detail)
}
