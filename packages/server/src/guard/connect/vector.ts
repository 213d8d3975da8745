import { formatHostPort } from "../../config/index.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const vector: Recipe = {
  name: "vector",
  title: "Vector",
  way: "its http sink as lines of JSON over mutual TLS, straight to the port",
  adapters: ["records"],
  scheme: "vector",
  needs: "pem",
  proof: "rendered",
  render,
}

function render({ ca, certificate, key, write }: Place): Rendering {
  const text = `# Everything of the source "audit", to Postern. The source hears "taken" only when the port has said so.
data_dir: /var/lib/vector

sources:
  audit:
    type: file
    include: [/var/log/app/audit.log]

sinks:
  postern:
    type: http
    inputs: [audit]
    uri: https://${formatHostPort(write)}/v1/records
    method: post
    encoding: { codec: json }
    framing: { method: newline_delimited }
    compression: gzip
    batch: { max_bytes: 1000000, timeout_secs: 1 }
    acknowledgements: { enabled: true }
    buffer:
      type: disk
      max_size: 1073741824
      when_full: block
    tls:
      ca_file: ${ca}
      crt_file: ${certificate}
      key_file: ${key}
`
  return {
    files: [{ name: "postern.yaml", belongs: "/etc/vector/postern.yaml", text }],
    steps: [
      {
        what: "check and start",
        command:
          "vector validate /etc/vector/postern.yaml && vector --config /etc/vector/postern.yaml",
      },
      {
        what: "say something",
        command: "echo 'hello from vector' | sudo tee --append /var/log/app/audit.log",
      },
    ],
    notes: [
      "Vector repeats 429 and 5xx; when_full: block holds its sources up instead of dropping.",
      "A request that is sent again after a timeout is recognised by its records (docs/reference/write-http.md).",
    ],
  }
}
