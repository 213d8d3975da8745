import { PosternError } from "@postern/log/base"
import type { Details } from "../context/index.ts"
import { type Profile, profilePath } from "../profile.ts"
import { fileHolder, memoryHolder } from "../renewal/index.ts"
import type { Confirmed, WaitLevel } from "./auditor.ts"
import type { ConnectOptions } from "./options.ts"
import type { AuditStatus } from "./status.ts"
import { Writer } from "./writer.ts"

/** What an integration needs of it. */
export type WriteEvent = (action: string, details: Details) => string

/**
 * Writes audit events. `audit("invoice.deleted", { actor: "alice", target: "invoice/4711" })` fills id, time, source and
 * outcome in where they are not given, returns the id at once, and neither waits nor throws (but see whenFull): what is
 * wrong with an event goes to onProblem, and the id is "" for one that was not taken.
 */
export interface Audit extends WriteEvent {
  /**
   * Takes a whole event v1 as JSON bytes and keeps them as they are; the caller does not change them afterwards. It is judged by the
   * rules of the port (docs/spec/event.md), nothing is filled in. Gives the event's id, "" if it was refused, with the reason told to onProblem.
   */
  put(event: Uint8Array): string
  /**
   * Writes into the log, at this place of the stream, that `events` events (1 to 2^32-1) were lost before they came here, and why (1 to 256
   * characters). They count like events in `taken`. Throws SPOOL_FULL where that was asked for.
   */
  lose(events: number, reason: string): void
  /**
   * Takes an event and resolves when it has come as far as `wait` says, with its receipt, checked, and its proof. Rejects with the code for which the event was refused;
   * RECEIPT_INVALID or NOTE_INVALID if the receipt is wrong; RECEIPT_GONE if the event is kept but its receipt is not at hand;
   * SPOOL_FULL if the event was given up; UNREACHABLE if close() came first; NOTE_INVALID, PROOF_INVALID, LOG_ROLLED_BACK or LOG_FORKED if
   * the log contradicts itself; PROFILE_INVALID for `witnessed` without a policy. Proofs come about one a second for a writer.
   */
  confirm(action: string, details: Details, options?: ConfirmOptions): Promise<Confirmed>
  /**
   * Resolves when everything so far is acknowledged, refused by name, or told to the port as lost. Errors: UNREACHABLE after
   * timeoutMs (default 30,000); the events stay in the spool.
   */
  flush(timeoutMs?: number): Promise<void>
  /**
   * Resolves when everything so far is on stable storage in the spool. Errors: SPOOL_FULL or SPOOL_DAMAGED if it is not, or if some of
   * it was given up.
   */
  spooled(): Promise<void>
  status(): AuditStatus
  /**
   * Flushes for at most `timeoutMs` (default 5,000), ends the stream and gives the spool free. What is not acknowledged stays there for
   * the next start. Never rejects.
   */
  close(timeoutMs?: number): Promise<void>
}

export interface ConfirmOptions {
  /**
   * `durable`: on stable storage of the port (default). `published`: under a signed checkpoint which goes on from those that this writer
   * knows. `witnessed`: and the quorum of the profile's policy has cosigned it.
   */
  readonly wait?: "durable" | WaitLevel
}

const flushMs = 30_000
const closeMs = 5_000

/**
 * Opens the spool and begins to connect, again and again until it succeeds; events are spooled meanwhile.
 * @param profile or the path of one (default: POSTERN_PROFILE), which is read again at each attempt to connect, and in which the
 *   certificate is renewed at half of its life; one that is given as an object is renewed if `onRenewed` keeps what is new
 * @throws PosternError PROFILE_INVALID, SPOOL_LOCKED, SPOOL_DAMAGED, CONFIG_INVALID; with `wait`, what the first attempt to connect failed
 *   with; errors of the file system as they are
 */
export async function connect(
  profile: Profile | string | undefined = process.env.POSTERN_PROFILE,
  options: ConnectOptions = {},
): Promise<Audit> {
  const { onRenewed } = options
  const holder =
    typeof profile === "object"
      ? memoryHolder(profile, onRenewed)
      : fileHolder(profilePath(profile), onRenewed)
  const { role } = holder.read()
  if (role !== "writer") {
    throw new PosternError("PROFILE_INVALID", `it is a ${role}'s, not a writer's`)
  }
  const writer = await Writer.open(holder, options)
  if (options.wait === true) {
    try {
      await writer.connected()
    } catch (error) {
      await writer.close(0)
      throw error
    }
  }
  const audit = (action: string, details: Details): string => writer.write(action, details)
  return Object.assign(audit, {
    put: (event: Uint8Array) => writer.put(event),
    lose: (events: number, reason: string) => writer.lose(events, reason),
    confirm: (action: string, details: Details, { wait = "durable" }: ConfirmOptions = {}) => {
      return writer.confirm(action, details, wait)
    },
    flush: (timeoutMs = flushMs) => writer.flush(timeoutMs),
    spooled: () => writer.spooled(),
    status: () => writer.status(),
    close: (timeoutMs = closeMs) => writer.close(timeoutMs),
  })
}
