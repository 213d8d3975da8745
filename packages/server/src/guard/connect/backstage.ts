import type { Place, Recipe, Rendering } from "./recipe.ts"

export const backstage: Recipe = {
  name: "backstage",
  title: "Backstage's auditor service",
  way: "the SDK in the backend: a spool on disk, then postern/1 frames",
  adapters: ["postern"],
  scheme: "backstage",
  needs: "profile",
  proof: "rendered",
  render,
}

function render({ profile }: Place): Rendering {
  const text = `// Every event of every plugin's auditor, to Postern. In packages/backend/src/index.ts: backend.add(posternAuditor)
import { DefaultAuditorService } from "@backstage/backend-defaults/auditor"
import { coreServices, createServiceFactory } from "@backstage/backend-plugin-api"
import { connect } from "@postern/client"

const outcomes = { initiated: "unknown", succeeded: "success", failed: "failure" } as const

export const posternAuditor = createServiceFactory({
  service: coreServices.auditor,
  deps: {
    auth: coreServices.auth,
    httpAuth: coreServices.httpAuth,
    plugin: coreServices.pluginMetadata,
  },
  createRootContext: () => connect(process.env.POSTERN_PROFILE ?? "${profile}"),
  factory: (deps, audit) =>
    DefaultAuditorService.create((event) => {
      const { plugin, eventId, status, severityLevel, actor } = event
      audit(\`backstage.\${plugin}.\${eventId}\`.toLowerCase(), {
        outcome: outcomes[status],
        actor: { type: "user", id: actor.actorId ?? "unknown" },
        targets: [],
        origin: { ip: actor.ip, host: actor.hostname, userAgent: actor.userAgent },
        severity: severityLevel,
        trace: { phase: status === "initiated" ? "attempt" : "result" },
        data: { format: "backstage", backstage: JSON.parse(JSON.stringify(event)) },
      })
    }, deps),
})
`
  return {
    files: [
      {
        name: "postern-auditor.ts",
        belongs: "packages/backend/src/postern-auditor.ts of your Backstage",
        text,
      },
    ],
    steps: [
      { what: "the SDK", command: "yarn --cwd packages/backend add @postern/client" },
      {
        what: "add it to the backend, in packages/backend/src/index.ts",
        lines: "backend.add(posternAuditor)",
      },
      { what: "start it, and look at something in the catalog", command: "yarn start" },
    ],
    notes: [
      "It takes the place of Backstage's own auditor: events of severity low, which are most of them, come too. A policy that drops them says how many.",
      "Events are in the spool before the plugin goes on; an outage of the port delays nobody.",
      "Without code: let the backend log JSON to a file, and an agent read it with format: backstage.",
    ],
  }
}
