import { agentFile, agentLook, agentPromise, byAgent, startAgent } from "./agent-file.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

const file = "/var/log/mongodb/audit.json"

export const mongodb: Recipe = {
  ...byAgent,
  name: "mongodb",
  title: "MongoDB Enterprise, Percona Server for MongoDB",
  way: "the audit log as a file of JSON, by the agent",
  scheme: "mongodb",
  proof: "part",
  render,
}

function render(place: Place): Rendering {
  const text = `# Into mongod.conf, once in each member of a replica set.
auditLog:
  destination: file
  format: JSON
  path: ${file}
  filter: '{ atype: { $in: [ "authenticate", "authCheck", "createUser", "updateUser", "dropUser", "grantRolesToUser", "revokeRolesFromUser", "createRole", "updateRole", "dropRole", "createCollection", "dropCollection", "dropDatabase", "createIndex", "dropIndex", "shutdown", "auditConfigure" ] } }'
`
  return {
    files: [
      { name: "mongod-audit.yaml", belongs: "/etc/mongod.conf", text },
      agentFile(place, { from: [`file: ${file}`], format: "mongodb" }),
    ],
    steps: [
      startAgent,
      { what: "restart each member, the primary last", command: "sudo systemctl restart mongod" },
      { what: "do something", command: "mongosh --eval 'db.runCommand({ connectionStatus: 1 })'" },
    ],
    notes: [
      "MongoDB Community writes no audit log.",
      "authCheck says only what was refused unless auditAuthorizationSuccess is on, which costs speed.",
      'Rotate with db.adminCommand({ logRotate: "audit" }); the agent reads the old file to its end.',
      agentPromise,
      agentLook,
    ],
  }
}
