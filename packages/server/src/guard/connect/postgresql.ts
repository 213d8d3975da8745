import { agentFile, agentLook, agentPromise, byAgent, startAgent } from "./agent-file.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const postgresql: Recipe = {
  ...byAgent,
  name: "postgresql",
  title: "PostgreSQL 15 or newer with pgAudit",
  way: "the server's jsonlog files, by the agent",
  scheme: "postgresql",
  proof: "run",
  render,
}

function render(place: Place): Rendering {
  const text = `# Who did what in this cluster, as lines of JSON for the agent. pgAudit says what a statement did, not only what it said.
shared_preload_libraries = 'pgaudit'
pgaudit.log = 'write, ddl, role'
pgaudit.log_catalog = off
pgaudit.log_relation = on
# Values of parameters are often secrets or personal: on only where the policy of the log looks after them.
pgaudit.log_parameter = off
logging_collector = on
log_destination = 'jsonlog'
log_connections = on
log_disconnections = on
log_directory = '/var/log/postgresql'
log_filename = 'postgresql-%Y-%m-%d.log'
log_file_mode = 0640
`
  const from = ["file: /var/log/postgresql/*.json"]
  return {
    files: [
      { name: "postern.conf", belongs: "/etc/postgresql/15/main/conf.d/postern.conf", text },
      agentFile(place, { from, format: "pgaudit" }),
    ],
    steps: [
      { what: "pgAudit", command: "sudo apt-get install --yes postgresql-15-pgaudit" },
      {
        what: "restart, since libraries are loaded at the start",
        command: "sudo systemctl restart postgresql",
      },
      {
        what: "the extension, in each database",
        command: "sudo -u postgres psql --command 'CREATE EXTENSION IF NOT EXISTS pgaudit'",
      },
      startAgent,
      {
        what: "do something",
        command:
          "sudo -u postgres psql --command 'CREATE TABLE postern_hello ()' --command 'DROP TABLE postern_hello'",
      },
    ],
    notes: [
      "shared_preload_libraries is one setting: where it names others, add pgaudit to them.",
      "A superuser can switch pgAudit off; the log shows that he did (a role statement, and then silence). Set a cadence for the writer.",
      "pgAudit rides the server's log: what was committed just before a crash may be missing.",
      agentPromise,
      agentLook,
    ],
  }
}
