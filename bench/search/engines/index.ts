/**
 * Databases of others that get the same events and the same questions, so that our figures have something beside them.
 * None of them proves anything; what each holds stands in the table.
 */
import type { DatabaseKind } from "./database.ts"
import { duckdb } from "./duckdb.ts"
import { postgres } from "./postgres.ts"
import { sqlite } from "./sqlite.ts"

export type { Database, DatabaseKind } from "./database.ts"

export const databaseKinds: readonly DatabaseKind[] = [sqlite, duckdb, postgres]
