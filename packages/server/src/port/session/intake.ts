import type { ErrorCode } from "@postern/log/base"
import type { Changed, KeptOut } from "@postern/log/event"
import type {
  AlteredEvent,
  AuditAnswer,
  AuditQuestion,
  Doubt,
  RenewalAnswer,
} from "@postern/log/wire"
import type { Adapter } from "../../access/index.ts"
import type { Stream } from "../sequencer/index.ts"

/** A body's events for the port's own stream of one adapter of a writer. */
export interface OfferedBody {
  readonly owner: BatchOwner
  readonly peer: SessionPeer
  readonly adapter: Adapter
  readonly region: Uint8Array
  readonly count: number
  readonly changed: Changed
  /** Positions of events that the adapter found too large for an entry. */
  readonly tooLarge: readonly number[]
  /** Values that the adapter kept out of events, by their position. */
  readonly keptOut: readonly { readonly position: number; readonly values: readonly KeptOut[] }[]
  /** The digests of those that were kept: what the policy leaves of them is on stable storage. */
  readonly kept: ReadonlySet<string>
  /** The port made the ids itself, so that none of the events can be a repeat. */
  readonly isNumbered?: true
}

/** What a session needs of the rest of the port. Implemented by the driver; this room declares it. */
export interface Intake {
  readonly origin: string
  readonly certificate: string
  readonly vkey: string
  /** Proofs of changes of the log key, as WELCOME tells them; undefined if there was none. */
  readonly keys: string | undefined
  /** Milliseconds. */
  now(): number
  /** Offers a batch whose event region lies in the session's hands. `full`: offer it again after `whenRoom`. */
  offer(batch: OfferedBatch): Offered
  /** Resolves when the disclosure is on disk, and events may name its digest. The bytes are the intake's from now on. */
  keepDisclosure(peer: SessionPeer, disclosure: KeptOut): Promise<void>
  /** Calls `owner.resume()` once the open slot has room again, or the writer its rate. */
  whenRoom(owner: BatchOwner, delayMs: number): void
  /**
   * Finds or opens a stream of this writer and calls back when its opening entry and everything below `next` is
   * durable. The stream belongs to `owner` from then on; another session that had it is told to go away.
   */
  openStream(
    owner: BatchOwner,
    peer: SessionPeer,
    wanted: WantedStream,
    done: (found: Stream | ErrorCode) => void,
  ): void
  /** Ends a stream. Calls back with false, and nothing has happened, if what the writer signed does not hold. */
  closeStream(
    peer: SessionPeer,
    stream: Stream,
    signed: StreamSignature | undefined,
    done: (holds: boolean) => void,
  ): void
  /** Enters what the writer signed for its stream so far; calls back with whether it holds. */
  beat(
    peer: SessionPeer,
    stream: Stream,
    signed: StreamSignature,
    done: (holds: boolean) => void,
  ): void
  /** Enters a gap that the writer declares; acknowledged like a batch. */
  declareGap(owner: BatchOwner, peer: SessionPeer, stream: Stream, gap: DeclaredGap): Offered
  /** Makes the acknowledgement of a batch again that is, or is about to be, durable. */
  acknowledgeAgain(first: number, accepted: number, done: (again: DurableSlot) => void): void
  /** Answers later, in its turn: the newest checkpoint, and what connects it with what the writer knows. */
  audit(
    owner: BatchOwner,
    peer: SessionPeer,
    question: AuditQuestion,
    answer: (answer: AuditAnswer) => void,
  ): void
  /** Gives the writer a new certificate for this request (PKCS#10, DER), or says why not. Answers later, never rejects. */
  renew(peer: SessionPeer, request: Uint8Array, answer: (answer: RenewalAnswer) => void): void
  /** Enters what a writer found wrong with this log. */
  doubt(peer: SessionPeer, doubt: Doubt): void
  /** Counts something that was refused; it becomes an entry. */
  refused(peer: SessionPeer, code: ErrorCode, detail?: RefusedDetail): void
}

/** What a session does to its connection. */
export interface SessionLine {
  /** The peer does not take what was sent: nothing more of it is looked at until goOn(). */
  readonly isUnread: boolean
  send(bytes: Uint8Array): void
  /** Stops reading, and goes on. */
  pause(): void
  resume(): void
  /** Sends what was sent, then closes. Nothing is sent afterwards. */
  end(): void
}

/** Whose session it is: facts from the certificate, never from the payload. */
export interface SessionPeer {
  readonly id: string
  readonly certificate: string
  /** The certificate itself, DER. */
  readonly shown?: Uint8Array | undefined
  /** As in acceptor's Peer. */
  readonly publicKey?: string | undefined
  readonly from: string
  readonly session: string
}

export interface WantedStream {
  /** 32 hex digits. */
  readonly id: string
  /** The stream that this one goes on from, as the writer says; stands in the opening entry. */
  readonly previous?: string | undefined
}

/** What a writer says that its stream is, with its signature (base64). */
export interface StreamSignature {
  readonly sequence: number
  readonly signature: string
}

export interface OfferedBatch {
  readonly owner: BatchOwner
  readonly peer: SessionPeer
  readonly stream: Stream
  readonly sequence: number
  readonly count: number
  readonly region: Uint8Array
  /** Chain digest after the batch. */
  readonly digest: Uint8Array
}

export type Offered =
  | {
      readonly kind: "placed"
      readonly refused: readonly RefusedEvents[]
      /** Views of the core's memory: they hold until the next batch is offered. */
      readonly altered: readonly AlteredEvent[]
    }
  | { readonly kind: "full"; readonly delayMs: number }
  /** The batch as a whole is not acceptable. */
  | { readonly kind: "refused"; readonly code: ErrorCode }

/** What the intake says to a body: as to a batch, and which events were there before. */
export type BodyOffered =
  /** What was kept out of it has to be kept anew: another policy decides now. */
  | { readonly kind: "stale" }
  | {
      readonly kind: "placed"
      readonly first: number
      readonly accepted: number
      readonly refused: readonly RefusedEvents[]
      /** As in Offered; positions are those of the body. */
      readonly altered: readonly AlteredEvent[]
      readonly duplicates: readonly { position: number; index: number }[]
    }
  | Exclude<Offered, { kind: "placed" }>

export interface RefusedEvents {
  readonly code: ErrorCode
  readonly positions: number[]
}

export interface RefusedDetail {
  readonly stream?: Stream
  readonly sequence?: number
  readonly refused?: readonly RefusedEvents[]
  readonly detail?: string
}

export interface DeclaredGap {
  readonly sequence: number
  readonly count: number
  readonly digest: Uint8Array
  readonly reason: string
}

/** A batch of an owner's that has become durable. */
export interface DurableBatch {
  readonly open: number
  readonly sequence: number
  readonly events: number
  readonly accepted: number
  readonly first: number
  readonly received: number
  readonly changed: number
  readonly seed: Uint8Array
}

/** A slot that is on stable storage, and the receipt that says so. */
export interface DurableSlot {
  readonly note: Uint8Array
  /** Of a batch whose acknowledgement is made again: its events that the policy changed, by their sequence instead of their position. */
  readonly altered?: readonly AlteredEvent[]
  rangePath(from: number, count: number): readonly Uint8Array[]
}

/** Who placed a batch and wants to know when it is durable. */
export interface BatchOwner {
  durable(batch: DurableBatch): void
  /** After all of a slot's batches of this owner. */
  flush(slot: DurableSlot): void
  resume(): void
  /** Another session has taken this owner's stream. */
  superseded(stream: Stream): void
}
