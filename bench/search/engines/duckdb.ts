import { join } from "node:path"
import type { DatabaseKind } from "./database.ts"
import { askSql, type Dialect, quote } from "./sql.ts"

/** What is used of @duckdb/node-api, which is not among our packages: `npm install --no-save @duckdb/node-api`. */
interface DuckModule {
  readonly DuckDBInstance: {
    create(path: string, options: Record<string, string>): Promise<DuckInstance>
  }
}
interface DuckInstance {
  connect(): Promise<DuckConnection>
  closeSync(): void
}
interface DuckConnection {
  run(sql: string): Promise<unknown>
  runAndReadAll(sql: string): Promise<{ getRows(): readonly (readonly unknown[])[] }>
  createAppender(table: string): Promise<DuckAppender>
  closeSync(): void
}
interface DuckAppender {
  appendBigInt(value: bigint): void
  appendVarchar(value: string): void
  endRow(): void
  closeSync(): void
}

const packageName = "@duckdb/node-api"

const containing = (text: string): string => `contains(event, ${quote(text)})`

const dialect: Dialect = {
  table: "e",
  columns: "seq, event",
  words: (words) => words.map(containing).join(" AND "),
  ticket: (value) => containing(`"ticket":"${value}"`),
  namespace: (value) => containing(`"namespace":"${value}"`),
  bucket: (width) => `received // ${width}`,
}

const columns = ["source", "action", "outcome", "actor", "target", "text"] as const

export const duckdb: DatabaseKind = {
  name: "DuckDB",
  holds: "columns and the events; no index of words",
  async missing() {
    try {
      await import(packageName)
      return undefined
    } catch {
      return `not installed: npm install --no-save ${packageName}`
    }
  },
  async open(directory) {
    const { DuckDBInstance }: DuckModule = await import(packageName)
    const options = { memory_limit: "2GB", threads: "2" }
    const instance = await DuckDBInstance.create(join(directory, "events.duckdb"), options)
    const connection = await instance.connect()
    const texts = "source VARCHAR, action VARCHAR, outcome VARCHAR, actor VARCHAR, target VARCHAR"
    const members = `seq BIGINT, received BIGINT, ${texts}, event VARCHAR`
    await connection.run(`CREATE TABLE IF NOT EXISTS e(${members})`)
    return {
      async load(events) {
        const appender = await connection.createAppender("e")
        for (const event of events) {
          appender.appendBigInt(BigInt(event.number))
          appender.appendBigInt(BigInt(event.received))
          for (const column of columns) appender.appendVarchar(event[column])
          appender.endRow()
        }
        appender.closeSync()
      },
      async finish() {
        await connection.run("CHECKPOINT")
      },
      serverCpuSeconds: () => 0,
      serverRssMb: () => undefined,
      ask: (question) =>
        askSql(
          dialect,
          async (sql) => {
            const rows = (await connection.runAndReadAll(sql)).getRows()
            return rows.map(([first]) => String(first))
          },
          question,
        ),
      async close() {
        connection.closeSync()
        instance.closeSync()
      },
    }
  },
}
