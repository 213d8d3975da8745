/** An audit event as a Kubernetes API server writes it. */
export function auditEvent(
  auditId: string,
  members: Readonly<Record<string, unknown>> = {},
): object {
  return {
    level: "Metadata",
    auditID: auditId,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/default/secrets/db",
    verb: "delete",
    user: { username: "alice", groups: ["system:authenticated"] },
    sourceIPs: ["192.0.2.7"],
    userAgent: "kubectl/v1.33",
    objectRef: { resource: "secrets", namespace: "default", name: "db", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: "2026-11-22T12:00:00.123456Z",
    stageTimestamp: "2026-11-22T12:00:00.223456Z",
    ...members,
  }
}

export function eventList(items: readonly object[]): string {
  return JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items })
}
