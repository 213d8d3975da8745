import { formatHostPort } from "../../config/index.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const teleport: Recipe = {
  name: "teleport",
  title: "Teleport's event handler",
  way: "its own HTTPS with a client certificate, straight to the port",
  adapters: ["teleport"],
  scheme: "teleport",
  needs: "pem",
  proof: "rendered",
  render,
}

function render({ ca, certificate, key, write }: Place): Rendering {
  const at = `https://${formatHostPort(write)}/v1/teleport`
  const text = `# teleport-event-handler start --config postern.toml
storage = "/var/lib/teleport-event-handler"
timeout = "10s"
batch = 20

[forward.fluentd]
ca = "${ca}"
cert = "${certificate}"
key = "${key}"
url = "${at}/events.log"
session-url = "${at}/session"

[teleport]
addr = "teleport.example.com:443"
identity = "/var/lib/teleport-event-handler/identity"
refresh.enabled = true
`
  return {
    files: [{ name: "postern.toml", belongs: "/etc/teleport-event-handler.toml", text }],
    steps: [
      {
        what: "put your cluster's address and the handler's identity file in, then start it",
        command: "teleport-event-handler start --config /etc/teleport-event-handler.toml",
      },
      { what: "do something", command: "tsh login" },
    ],
    notes: [
      "The handler remembers an event as sent when the port has answered 200, which is after it is durable; it repeats the rest, and a repeat is recognised by its uid.",
      "It appends .SESSION.log to session-url by itself.",
    ],
  }
}
