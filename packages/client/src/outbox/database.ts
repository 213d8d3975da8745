import { PosternError } from "@postern/log/base"
import { outboxChannel } from "./schema.ts"

/** A `Client` or `Pool` of `pg`, as far as it is needed here. */
interface PgSession {
  query(text: string, values: string[]): Promise<{ readonly rows: readonly object[] }>
}

/** `sql` of `postgres`, or that of a transaction of its. */
interface PostgresSession {
  unsafe(text: string, values: string[]): PromiseLike<readonly object[]>
}

/** A transaction: a client of `pg` on which BEGIN was sent, or the `sql` that `sql.begin()` of `postgres` hands out. */
export type OutboxTransaction = PgSession | PostgresSession

/** Where statements are sent: a `Pool` of `pg` or the `sql` of `postgres`; a `Client` of `pg` works as long as its connection does. */
export type OutboxDatabase = OutboxTransaction

/** Rows of a statement; members are text (docs: every value is cast to it), bytes, booleans or null. */
export type Row = Readonly<Record<string, unknown>>

interface PgListening extends PgSession {
  on(event: "notification" | "error" | "end", heard: () => void): unknown
  off(event: "notification" | "error" | "end", heard: () => void): unknown
  /** Of a pool's client. */
  release?(destroy: boolean): void
}

interface PgPool {
  readonly totalCount: number
  readonly options?: { readonly max?: number }
  connect(): Promise<PgListening>
}

interface PostgresListening {
  listen(channel: string, heard: () => void): Promise<{ unlisten(): Promise<unknown> }>
}

/** Sends one statement, all values as text. Errors: OUTBOX_DATABASE, with what the database said. */
export async function query(
  database: OutboxTransaction,
  text: string,
  values: readonly string[] = [],
): Promise<readonly Row[]> {
  try {
    if ("unsafe" in database) return (await database.unsafe(text, [...values])) as readonly Row[]
    return (await database.query(text, [...values])).rows as readonly Row[]
  } catch (cause) {
    throw databaseError(cause)
  }
}

export function databaseError(cause: unknown): PosternError {
  const { message = String(cause) } = cause as { message?: string }
  return new PosternError("OUTBOX_DATABASE", message, { cause })
}

/**
 * Listens for hints that rows have come. Resolves with what ends it; undefined if this database gives none (a pool of one connection
 * needs that for the statements). @param gone the connection that listened has ended
 */
export async function listen(
  database: OutboxDatabase,
  hinted: () => void,
  gone: () => void,
): Promise<(() => Promise<void>) | undefined> {
  try {
    if (isPostgres(database)) {
      const { unlisten } = await database.listen(outboxChannel, hinted)
      return async () => void (await unlisten())
    }
    if (isPool(database)) {
      return database.options?.max === 1
        ? undefined
        : await listenOn(await database.connect(), hinted, gone)
    }
    return isClient(database) ? await listenOn(database, hinted, gone) : undefined
  } catch (cause) {
    throw databaseError(cause)
  }
}

async function listenOn(
  client: PgListening,
  hinted: () => void,
  gone: () => void,
): Promise<() => Promise<void>> {
  client.on("notification", hinted)
  client.on("error", gone)
  client.on("end", gone)
  const release = (): void => {
    client.off("notification", hinted)
    client.off("end", gone)
    // What a connection says while it is being given up is nobody's concern any more, but without a listener it ends the process.
    if (client.release === undefined) client.off("error", gone)
    client.release?.(true)
  }
  try {
    await client.query(`LISTEN ${outboxChannel}`, [])
  } catch (error) {
    release()
    throw error
  }
  return async () => release()
}

function isPostgres(database: object): database is PostgresListening {
  return "unsafe" in database && "listen" in database
}

function isPool(database: object): database is PgPool {
  return "totalCount" in database && "connect" in database
}

function isClient(database: object): database is PgListening {
  return "query" in database && "on" in database && "off" in database
}
