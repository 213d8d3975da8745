/** What `postern connect` knows, in its words: tools/connect-pages.test.ts holds the two together. */
export interface OfferedSource {
  /** As it is typed. */
  readonly name: string
  readonly title: string
  /** The way of its events to the port. */
  readonly way: string
}

export const sources: readonly OfferedSource[] = [
  {
    name: "rsyslog",
    title: "rsyslog 8.2302 or newer, with rsyslog-openssl",
    way: "RFC 5425 over mutual TLS, straight to the port's syslog plane",
  },
  {
    name: "syslog-ng",
    title: "syslog-ng 3.38 or newer",
    way: "RFC 5425 over mutual TLS, straight to the port's syslog plane",
  },
  {
    name: "auditd",
    title: "Linux audit (auditd 3 or newer)",
    way: "a plugin of auditd: the agent on its standard input",
  },
  {
    name: "kubernetes",
    title: "Kubernetes API server, with the agent in front of its webhook",
    way: "audit webhook to an agent on the same machine, which outlasts hours without the port",
  },
  {
    name: "kubernetes-direct",
    title: "Kubernetes API server, webhook straight to the port",
    way: "audit webhook over mutual TLS; what an outage of over a minute delays is lost by the API server",
  },
  {
    name: "teleport",
    title: "Teleport's event handler",
    way: "its own HTTPS with a client certificate, straight to the port",
  },
  {
    name: "postgresql",
    title: "PostgreSQL 15 or newer with pgAudit",
    way: "the server's jsonlog files, by the agent",
  },
  {
    name: "mongodb",
    title: "MongoDB Enterprise, Percona Server for MongoDB",
    way: "the audit log as a file of JSON, by the agent",
  },
  { name: "vault", title: "HashiCorp Vault, OpenBao", way: "a file audit device, by the agent" },
  {
    name: "otel-collector",
    title: "OpenTelemetry Collector 0.144 or newer (before: otlphttp for otlp_http)",
    way: "OTLP/HTTP logs over mutual TLS, straight to the port",
  },
  {
    name: "fluent-bit",
    title: "Fluent Bit 3 or newer",
    way: "its http output as lines of JSON over mutual TLS, straight to the port",
  },
  {
    name: "vector",
    title: "Vector",
    way: "its http sink as lines of JSON over mutual TLS, straight to the port",
  },
  {
    name: "fluentd",
    title: "Fluentd 1.16 or newer",
    way: "its own http output as lines of JSON over mutual TLS, straight to the port",
  },
  {
    name: "backstage",
    title: "Backstage's auditor service",
    way: "the SDK in the backend: a spool on disk, then postern/1 frames",
  },
  {
    name: "github",
    title: "GitHub's audit log (Enterprise Cloud)",
    way: "fetched every five minutes from inside, then by the agent; the port stays closed to the internet",
  },
  {
    name: "cloudtrail",
    title: "AWS CloudTrail",
    way: "its files in S3, fetched every five minutes from inside, then by the agent",
  },
  {
    name: "nodejs",
    title: "an application in Node.js",
    way: "the SDK: a spool on disk, then postern/1 frames",
  },
  {
    name: "curl",
    title: "curl, or whatever speaks HTTPS with a client certificate",
    way: "POST /v1/events over mutual TLS, straight to the port",
  },
]
