import { completeEvent, createEventId, type EventInput, encodeEvent } from "@postern/log/event"
import { type Details, fillInFromContext } from "../context/index.ts"
import type { Profile } from "../profile.ts"
import { systemWorld } from "../writer/index.ts"
import { type OutboxDatabase, type OutboxTransaction, query } from "./database.ts"
import { type Relay, type RelayOptions, relayTiming, startRelay } from "./relay.ts"
import { countWaiting, insertEvent, outboxSchema } from "./schema.ts"

export interface OutboxOptions {
  /** `source` of events that give none, e.g. `app://billing`. */
  readonly source: string
}

/** What lies in the tables. */
export interface Waiting {
  /** Committed, and not answered for by the port. */
  readonly events: number
  /** Refused by the port, and kept aside in `postern_outbox_refused`. */
  readonly refused: number
}

/** Audit events that are committed with the application's own transaction. */
export interface Outbox {
  /**
   * Writes an event in the transaction: it is in the log exactly once if that commits, and never if it does not. Fills in id, time and
   * source where they are not given, and the rest from the context as audit() does; resolves with the id. Errors: EVENT_ codes for an event
   * that cannot be (nothing was sent to the database then), OUTBOX_DATABASE for what the database said (the transaction is then over, as after any failed statement).
   */
  in(transaction: OutboxTransaction, action: string, details: Details): Promise<string>
  /** Makes the tables where they are not there yet. Errors: OUTBOX_DATABASE. */
  createTables(): Promise<void>
  /** Errors: OUTBOX_DATABASE. */
  waiting(): Promise<Waiting>
  /**
   * Begins to bring what is committed to the port. As many relays as one likes may run, in as many processes: one of them works.
   * @param profile a writer's, or the path of one (default: POSTERN_PROFILE)
   * @throws PosternError PROFILE_INVALID
   */
  relay(profile?: Profile | string, options?: RelayOptions): Relay
}

/** @param database `Pool` of `pg` or `sql` of `postgres` */
export function outbox(database: OutboxDatabase, { source }: OutboxOptions): Outbox {
  return {
    async in(transaction, action, details) {
      const world = systemWorld
      const now = new Date(world.nowMs())
      const id = (): string => createEventId(now, world.randomBytes(16))
      // Whether there is an actor in the end completeEvent() looks itself.
      const input = { ...fillInFromContext(details), action } as EventInput
      const event = completeEvent(input, { now, id, source })
      const bytes = Buffer.from(encodeEvent(event))
      await query(transaction, insertEvent, [bytes.toString("base64")])
      return event.id
    },
    async createTables() {
      await query(database, outboxSchema)
    },
    async waiting() {
      const [row] = await query(database, countWaiting)
      return { events: Number(row?.waiting), refused: Number(row?.refused) }
    },
    relay(profile = process.env.POSTERN_PROFILE, options = {}) {
      return startRelay(database, profile, options, relayTiming)
    },
  }
}
