import { formatHostPort } from "../../config/index.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const curl: Recipe = {
  name: "curl",
  title: "curl, or whatever speaks HTTPS with a client certificate",
  way: "POST /v1/events over mutual TLS, straight to the port",
  adapters: ["http"],
  scheme: "http",
  needs: "pem",
  proof: "run",
  render,
}

function render({ ca, certificate, key, write, name }: Place): Rendering {
  const text = `# curl --config postern.curl --data '{"action":"…","actor":"…","targets":[],"outcome":"success"}'
url = "https://${formatHostPort(write)}/v1/events"
cacert = "${ca}"
cert = "${certificate}"
key = "${key}"
header = "content-type: application/json"
fail-with-body
retry = 10
`
  const event = `{"action":"door.opened","outcome":"success","actor":{"type":"service","id":"${name}"},"targets":[]}`
  return {
    files: [{ name: "postern.curl", belongs: "where the script is that calls curl", text }],
    steps: [{ what: "the first event", command: `curl --config postern.curl --data '${event}'` }],
    notes: [
      "200 means: on stable storage. An event with an id of yours may be sent again until then; without one it may stand twice.",
      "429 and 503 say Retry-After, which curl's retry obeys. The limits are in docs/reference/write-http.md.",
    ],
  }
}
