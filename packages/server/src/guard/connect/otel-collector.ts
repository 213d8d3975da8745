import { formatHostPort } from "../../config/index.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const otelCollector: Recipe = {
  name: "otel-collector",
  title: "OpenTelemetry Collector 0.144 or newer (before: otlphttp for otlp_http)",
  way: "OTLP/HTTP logs over mutual TLS, straight to the port",
  adapters: ["otlp"],
  scheme: "otel",
  needs: "pem",
  proof: "rendered",
  render,
}

function render({ ca, certificate, key, write }: Place): Rendering {
  const text = `# Logs that arrive as OTLP, to Postern. What waits stands on disk and is tried for ever.
extensions:
  file_storage/postern:
    directory: /var/lib/otelcol/postern
    create_directory: true
    fsync: true

receivers:
  otlp:
    protocols:
      http: { endpoint: 127.0.0.1:4318 }

exporters:
  otlp_http/postern:
    logs_endpoint: https://${formatHostPort(write)}/v1/logs
    compression: gzip
    tls:
      ca_file: ${ca}
      cert_file: ${certificate}
      key_file: ${key}
      min_version: "1.3"
    retry_on_failure:
      enabled: true
      max_elapsed_time: 0
    sending_queue:
      enabled: true
      storage: file_storage/postern
      block_on_overflow: true

service:
  extensions: [file_storage/postern]
  pipelines:
    logs/audit:
      receivers: [otlp]
      exporters: [otlp_http/postern]
`
  return {
    files: [{ name: "postern.yaml", belongs: "/etc/otelcol-contrib/postern.yaml", text }],
    steps: [
      {
        what: "start it with this file beside its others",
        command: "otelcol-contrib --config /etc/otelcol-contrib/postern.yaml",
      },
      {
        what: "say something",
        command: `curl --fail http://127.0.0.1:4318/v1/logs --header 'content-type: application/json' --data '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[{"eventName":"invoice.deleted","body":{"stringValue":"invoice 4711 deleted"}}]}]}]}'`,
      },
    ],
    notes: [
      "file_storage is in the contrib distribution. Without it the queue is in memory, and a killed collector loses it.",
      "A partial success names what was refused; the collector counts it as sent and does not repeat it.",
      "A batch processor in memory in front of the exporter would lose what it holds when the collector is killed: there is none here.",
    ],
  }
}
