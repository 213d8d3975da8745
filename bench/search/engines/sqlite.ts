import { existsSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { AuditEvent } from "../audit-events.ts"
import type { Database, DatabaseKind } from "./database.ts"
import { askSql, type Dialect, quote } from "./sql.ts"

const schema = `
CREATE TABLE e(seq INTEGER PRIMARY KEY, received INT, source TEXT, action TEXT, outcome TEXT, actor TEXT, target TEXT);
CREATE INDEX by_actor ON e(actor, seq);
CREATE INDEX by_target ON e(target, seq);
CREATE INDEX by_action ON e(action, outcome, seq);
CREATE INDEX by_time ON e(received, outcome);
CREATE VIRTUAL TABLE f USING fts5(text, content='', detail=none, columnsize=0, tokenize="unicode61 remove_diacritics 0 tokenchars '_'");
`

const matching = (words: readonly string[]): string => {
  const terms = words.map((word) => `"${word}"`).join(" AND ")
  return `seq IN (SELECT rowid FROM f WHERE f MATCH ${quote(terms)} ORDER BY rowid DESC)`
}

const dialect: Dialect = {
  table: "e",
  columns: "seq, received, source, action, outcome, actor, target",
  words: matching,
  ticket: (value) => matching(["ticket", ...value.split("-")]),
  namespace: (value) => matching(["namespace", ...value.split("-")]),
  bucket: (width) => `received / ${width}`,
}

export const sqlite: DatabaseKind = {
  name: "SQLite FTS5",
  holds: "columns and the index of all words; not the events",
  async missing() {
    try {
      const { DatabaseSync } = await import("node:sqlite")
      new DatabaseSync(":memory:").exec("CREATE VIRTUAL TABLE t USING fts5(a)")
      return undefined
    } catch (error) {
      return `this Node has no node:sqlite with FTS5 (${error instanceof Error ? error.message : error})`
    }
  },
  async open(directory) {
    const { DatabaseSync } = await import("node:sqlite")
    const file = join(directory, "events.sqlite")
    const isNew = !existsSync(file)
    const database = new DatabaseSync(file)
    database.exec("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")
    database.exec("PRAGMA cache_size=-65536")
    if (isNew) database.exec(schema)
    return openDatabase(database)
  },
}

function openDatabase(database: DatabaseSync): Database {
  const row = database.prepare("INSERT INTO e VALUES(?, ?, ?, ?, ?, ?, ?)")
  const text = database.prepare("INSERT INTO f(rowid, text) VALUES(?, ?)")
  return {
    async load(events) {
      database.exec("BEGIN")
      for (const event of events) insert(row, text, event)
      database.exec("COMMIT")
    },
    async finish() {
      database.exec("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
    },
    serverCpuSeconds: () => 0,
    serverRssMb: () => undefined,
    ask: (question) =>
      askSql(
        dialect,
        async (sql) => {
          const statement = database.prepare(sql)
          return statement.all().map((found) => Object.values(found)[0] as string | number)
        },
        question,
      ),
    async close() {
      database.close()
    },
  }
}

function insert(row: StatementSync, text: StatementSync, event: AuditEvent): void {
  const { number, received, source, action, outcome, actor, target } = event
  row.run(number, received, source, action, outcome, actor, target)
  text.run(number, event.text)
}
