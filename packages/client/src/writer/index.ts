/**
 * The writer's side: from `audit()` through a spool on disk to the port, and receipts back. Owns the spool directory and the
 * connection. Never throws into the application unless it asked for that, never takes an event out of the spool without the
 * port's acknowledgement, and never believes a receipt or a checkpoint that it has not checked. Speaks docs/spec/wire.md; the
 * spool's own bytes: docs/spec/spool.md.
 *
 *     audit.ts ─▶ writer.ts ─▶ event-buffer.ts ─▶ spool.ts (append-plan, frame-queue, frame-block, record, meta, segment-set, lock, recovery)
 *                    │                               ▲
 *                    └─▶ connection.ts ─▶ delivery.ts┘ (handover, stream-chain)
 *                    │     session.ts (decides)  outlet.ts ─▶ line.ts (TLS)  stream-signer.ts
 *                    └─▶ side-talks.ts: auditor.ts (log-trust, kept-file, doubt-file)  log-keys.ts  writer-renewal.ts
 *
 * Who keeps his frames elsewhere than in a spool (frame-store.ts) has them delivered by sender.ts, over the same connection.
 */
export type { Details } from "../context/index.ts"
export { type Audit, type ConfirmOptions, connect, type WriteEvent } from "./audit.ts"
export type { Confirmed } from "./auditor.ts"
export { Counts } from "./counts.ts"
export type { Delivered } from "./delivery.ts"
export { FrameQueue } from "./frame-queue.ts"
export type { FrameStore } from "./frame-store.ts"
export type { ConnectOptions, SpoolOptions } from "./options.ts"
export { createStderrReport, type Problem } from "./problem.ts"
export { Sender, type SenderEvents } from "./sender.ts"
export { endOf, type Loss, noParts, type SpoolFrame } from "./spool-frame.ts"
export type { AuditStatus } from "./status.ts"
export { systemWorld, type World } from "./world.ts"
