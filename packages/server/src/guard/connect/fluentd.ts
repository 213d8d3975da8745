import { formatHostPort } from "../../config/index.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const fluentd: Recipe = {
  name: "fluentd",
  title: "Fluentd 1.16 or newer",
  way: "its own http output as lines of JSON over mutual TLS, straight to the port",
  adapters: ["records"],
  scheme: "fluentd",
  needs: "pem",
  proof: "rendered",
  render,
}

function render({ ca, certificate, key, write }: Place): Rendering {
  const text = `# Everything tagged audit.**, to Postern. What waits stands on disk and is tried for ever.
<match audit.**>
  @type http
  endpoint https://${formatHostPort(write)}/v1/records
  content_type application/x-ndjson
  # Without these two lines fluentd throws away what it is asked to send again later.
  retryable_response_codes 408,429,500,502,503,504
  error_response_as_unrecoverable true
  open_timeout 10
  read_timeout 60
  tls_ca_cert_path ${ca}
  tls_client_cert_path ${certificate}
  tls_private_key_path ${key}
  tls_verify_mode peer
  <format>
    @type json
  </format>
  <inject>
    time_key time
    time_type string
    time_format %Y-%m-%dT%H:%M:%S.%NZ
    utc true
  </inject>
  <buffer>
    @type file
    path /var/lib/fluentd/postern
    flush_mode interval
    flush_interval 1s
    chunk_limit_size 2m
    total_limit_size 1g
    retry_forever true
    overflow_action block
  </buffer>
</match>
`
  return {
    files: [{ name: "postern.conf", belongs: "/etc/fluent/conf.d/postern.conf", text }],
    steps: [
      {
        what: "check and restart",
        command:
          "fluentd --dry-run --config /etc/fluent/fluentd.conf && sudo systemctl restart fluentd",
      },
      {
        what: "say something",
        command: `echo '{"message":"hello from fluentd"}' | fluent-cat audit.app`,
      },
    ],
    notes: [
      "retryable_response_codes is 503 alone unless it is said; every other answer is unrecoverable, and its chunk goes to the backup directory.",
      "A chunk that is sent again after a timeout is recognised by its records (docs/reference/write-http.md).",
    ],
  }
}
