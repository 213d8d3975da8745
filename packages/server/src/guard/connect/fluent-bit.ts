import type { Place, Recipe, Rendering } from "./recipe.ts"

export const fluentBit: Recipe = {
  name: "fluent-bit",
  title: "Fluent Bit 3 or newer",
  way: "its http output as lines of JSON over mutual TLS, straight to the port",
  adapters: ["records"],
  scheme: "fluentbit",
  needs: "pem",
  proof: "rendered",
  render,
}

function render({ ca, certificate, key, write }: Place): Rendering {
  const text = `# Everything tagged audit.*, to Postern. What waits stands on disk and is tried for ever.
service:
  flush: 1
  storage.path: /var/lib/fluent-bit/postern
  storage.sync: full
  storage.checksum: on

pipeline:
  inputs:
    - name: tail
      tag: audit.app
      path: /var/log/app/audit.log
      db: /var/lib/fluent-bit/audit.db
      storage.type: filesystem

  outputs:
    - name: http
      match: audit.*
      host: ${write.host}
      port: ${write.port}
      uri: /v1/records
      format: json_lines
      json_date_key: date
      json_date_format: iso8601
      compress: gzip
      retry_limit: no_limits
      storage.total_limit_size: 1G
      tls: on
      tls.verify: on
      tls.ca_file: ${ca}
      tls.crt_file: ${certificate}
      tls.key_file: ${key}
`
  return {
    files: [{ name: "postern.yaml", belongs: "/etc/fluent-bit/postern.yaml", text }],
    steps: [
      { what: "start it", command: "fluent-bit --config /etc/fluent-bit/postern.yaml" },
      {
        what: "say something",
        command: "echo 'hello from fluent-bit' | sudo tee --append /var/log/app/audit.log",
      },
    ],
    notes: [
      "Beyond storage.total_limit_size Fluent Bit drops its oldest chunks, without a word to the log: choose it for your longest outage.",
      "A chunk that is sent again after a timeout is recognised by its records (docs/reference/write-http.md).",
    ],
  }
}
