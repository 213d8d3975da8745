/**
 * postern/1, the framed protocol of the write port, as bytes (docs/spec/wire.md): frames cut out of
 * a byte stream, bodies encoded and decoded strictly. Never opens a socket, never keeps the state
 * of a session, never looks into an event. `encodeX` writes a body for encodeFrame; whatever
 * `decodeX` is given may be hostile and ends in a value or a PosternError.
 */
export {
  type Ack,
  ackLevelDurable,
  type BatchAck,
  decodeAck,
  decodeCredit,
  encodeAck,
  encodeAckFrame,
  encodeCredit,
} from "./ack.ts"
export {
  type Altered,
  type AlteredChange,
  type AlteredEvent,
  decodeAltered,
  encodeAltered,
} from "./altered-frame.ts"
export {
  type AuditAnswer,
  type AuditQuestion,
  type Doubt,
  decodeAudit,
  decodeCheckpoint,
  decodeDoubt,
  encodeAudit,
  encodeCheckpoint,
  encodeDoubt,
} from "./audit-frames.ts"
export {
  type Batch,
  type BatchHeader,
  batchBytes,
  batchHeaderBytes,
  decodeBatchHeader,
  encodeBatch,
  encodeBatchFrame,
  splitRegion,
} from "./batch.ts"
export {
  type DisclosurePart,
  decodeDisclosurePart,
  encodeDisclosurePart,
} from "./disclosure-frame.ts"
export {
  certificateRequestBytesMax,
  encodeFrame,
  type Frame,
  type FrameName,
  type FrameType,
  frameHeaderBytes,
  frameTypes,
} from "./frame.ts"
export { FrameReader } from "./frame-reader.ts"
export {
  decodeRenew,
  decodeRenewed,
  encodeRenewed,
  type RefusedRenewal,
  type RenewalAnswer,
} from "./renewal-frames.ts"
export {
  decodeGoaway,
  decodeHello,
  decodeWelcome,
  encodeGoaway,
  encodeHello,
  encodeWelcome,
  type Goaway,
  type Hello,
  keysLengthMax,
  type Welcome,
  type WireLimits,
} from "./session-frames.ts"
export { streamDigestNext, streamDigestStart } from "./stream-digest.ts"
export {
  type Beat,
  type Close,
  decodeBeat,
  decodeClose,
  decodeClosed,
  decodeGap,
  decodeOpen,
  decodeOpened,
  decodeRefused,
  encodeBeat,
  encodeClose,
  encodeClosed,
  encodeGap,
  encodeOpen,
  encodeOpened,
  encodeRefused,
  type Gap,
  type Open,
  type Opened,
  type Refusal,
  type Refused,
} from "./stream-frames.ts"
