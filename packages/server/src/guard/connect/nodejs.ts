import type { Place, Recipe, Rendering } from "./recipe.ts"

export const nodejs: Recipe = {
  name: "nodejs",
  title: "an application in Node.js",
  way: "the SDK: a spool on disk, then postern/1 frames",
  adapters: ["postern"],
  scheme: "app",
  needs: "profile",
  proof: "run",
  render,
}

function render({ profile }: Place): Rendering {
  const text = `import { connect } from "@postern/client"

const audit = await connect(process.env.POSTERN_PROFILE ?? "${profile}")
audit("app.started", {
  actor: { type: "service", id: "app" },
  targets: [{ type: "host", id: "here" }],
  outcome: "success",
})
`
  return {
    files: [{ name: "first-event.mjs", belongs: "beside the application's package.json", text }],
    steps: [
      { what: "the SDK", command: "npm install @postern/client" },
      { what: "the first event", command: "node first-event.mjs" },
    ],
    notes: [
      "The event is in the spool when audit() returns, or at most 2 ms later; it is in the log once, whatever happens to port, network or process then.",
      "The application's user must be able to read the profile and to write beside it: its certificate is renewed there.",
    ],
  }
}
