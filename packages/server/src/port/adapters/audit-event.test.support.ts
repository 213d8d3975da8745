import { source } from "./workbench.test.support.ts"

/** An event as an API server sends it, members in its order. */
export const base = {
  level: "Metadata",
  auditID: "d4652481-193e-42f6-9b78-f8651cab5dfe",
  stage: "ResponseComplete",
  requestURI: "/api/v1/namespaces/pay/pods/ledger-0/exec?command=sh",
  verb: "create",
  user: { username: "alice@example.com", uid: "u-1", groups: ["system:authenticated"] },
  sourceIPs: ["10.0.0.7"],
  userAgent: "kubectl/v1.31.2 (linux/amd64) kubernetes/5864a46",
  objectRef: {
    resource: "pods",
    namespace: "pay",
    name: "ledger-0",
    apiVersion: "v1",
    subresource: "exec",
  },
  responseStatus: { metadata: {}, code: 101 },
  requestReceivedTimestamp: "2026-11-22T12:00:00.123456Z",
  stageTimestamp: "2026-11-22T12:00:00.234567Z",
  annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
}
export type AuditEvent = { -readonly [Name in keyof typeof base]?: unknown } & Record<
  string,
  unknown
>

/** An EventList of these, on one line as API servers write it. */
export const list = (...items: string[]) =>
  `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join()}]}\n`

/** The envelope as one would make it of a parsed event, where nothing is too long. */
// biome-ignore lint/suspicious/noExplicitAny: a parsed event.
export function plainReading(event: any): Record<string, unknown> {
  const part = (text: string, max: number) => {
    const bytes = Buffer.from(JSON.stringify(text)).subarray(1, -1).subarray(0, max)
    return bytes
      .toString("latin1")
      .toLowerCase()
      .replace(/[^a-z0-9._:/-]/g, "_")
  }
  const actor = (id: string | undefined) => {
    if (!id) return { type: "unknown", id: "" }
    if (id.startsWith("system:serviceaccount:")) return { type: "service", id }
    return { type: id.startsWith("system:") ? "system" : "user", id }
  }
  const code = event.responseStatus?.code ?? 0
  const classes = ["unknown", "success", "success", "success", "failure", "error"]
  const object = event.objectRef ?? {}
  const verb = event.verb ? part(event.verb, 24) : "unknown"
  const sub = object.subresource ? `.${part(object.subresource, 31)}` : ""
  const ips: string[] = event.sourceIPs ?? []
  const origin = {
    ...(ips.length > 0 ? { ip: ips[0] } : {}),
    ...(ips.length > 1 ? { peer: ips.at(-1) } : {}),
    ...(event.userAgent === undefined ? {} : { userAgent: event.userAgent }),
  }
  const target = {
    type: object.resource,
    id: `${object.namespace ? `${object.namespace}/` : ""}${object.name || "*"}`,
    ...(object.apiGroup ? { apiGroup: object.apiGroup } : {}),
    ...(object.subresource ? { subresource: object.subresource } : {}),
  }
  const path = event.requestURI ? [{ type: "path", id: event.requestURI }] : []
  const impersonated = event.impersonatedUser?.username
  return {
    id: `${event.auditID}/${event.stage}`,
    time: event.stageTimestamp,
    source,
    action: object.resource
      ? `k8s.${part(object.resource, 63)}${sub}.${verb}`
      : `k8s.nonresource.${verb}`,
    outcome: [401, 403].includes(code) ? "denied" : (classes[Math.floor(code / 100)] ?? "unknown"),
    actor: actor(event.user?.username),
    ...(impersonated ? { onBehalfOf: [actor(impersonated)] } : {}),
    targets: object.resource ? [target] : path,
    ...(Object.keys(origin).length > 0 ? { origin } : {}),
    data: { kubernetes: event },
  }
}
