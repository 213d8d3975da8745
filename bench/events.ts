/**
 * The two kinds of events that are measured, as they come in real logs: what an application says about a request
 * (about 330 bytes) and what a Kubernetes API server says (about 1.3 KB as an entry holds it). Every event of a seed is
 * the same in every run.
 */
import { createRandom, type Random } from "./random.ts"

export const eventKinds = ["app", "kubernetes"] as const
export type EventKind = (typeof eventKinds)[number]

/** Digits in each event's id that a sender may overwrite so that no two events of a run have the same id. */
export const serialDigits = 12
const serialBlank = "0".repeat(serialDigits)

/** Stands in front of the digits to overwrite, once in each event that is made for patching. */
export const serialMark = "1e7a9c52"

/** About 330 bytes. */
export function appEvent(random: Random): object {
  return {
    id: `${serialMark}-${serialBlank}-${random.hex(6)}`,
    time: time(random),
    source: `app://${random.pick(["billing", "shop", "identity", "ledger"])}`,
    action: random.pick(["invoice.deleted", "user.login", "role.granted", "report.read"]),
    outcome: random.pick(["success", "success", "success", "denied", "failure"]),
    actor: { type: "user", id: `${random.word()}@example.com` },
    targets: [{ type: random.pick(["invoice", "user"]), id: String(random.below(1e6)) }],
    origin: { ip: `10.0.${random.below(256)}.${random.below(256)}`, userAgent: "Mozilla/5.0" },
    data: { amount: random.below(1e5) / 100, retry: random.below(2) === 0 },
  }
}

/** What the API server itself sends (audit.k8s.io/v1, level Metadata), about 1 KB. */
export function kubernetesAuditEvent(random: Random) {
  const namespace = random.pick(["default", "kube-system", "payments", "web"])
  const verb = random.pick(["create", "delete", "patch", "get", "list", "update"])
  const name = `${random.word()}-${random.hex(5)}`
  const account = random.pick(["deployer", "job-runner", "autoscaler"])
  const at = time(random).replace("Z", "000Z")
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `${serialMark}-${random.hex(4)}-${random.hex(4)}-${random.hex(4)}-${serialBlank}`,
    stage: "ResponseComplete",
    requestURI: `/api/v1/namespaces/${namespace}/pods/${name}?timeout=${1 + random.below(60)}s`,
    verb,
    user: {
      username: `system:serviceaccount:ops:${account}`,
      uid: uuid(random),
      groups: ["system:serviceaccounts", "system:authenticated"],
    },
    sourceIPs: [`10.1.${random.below(256)}.${random.below(256)}`],
    userAgent: `${account}/v1.31.${random.below(9)} (linux/amd64) kubernetes/${random.hex(7)}`,
    objectRef: { resource: "pods", namespace, name, uid: uuid(random), apiVersion: "v1" },
    responseStatus: { metadata: {}, code: random.pick([200, 201, 404]) },
    requestReceivedTimestamp: at,
    stageTimestamp: at,
    annotations: {
      "authorization.k8s.io/decision": "allow",
      "authorization.k8s.io/reason": `RBAC: allowed by ClusterRoleBinding "${account}"`,
    },
  }
}

/** The same in the envelope that the port gives it, about 1.3 KB: what a forwarder with frames sends. */
export function kubernetesEvent(random: Random): object {
  const original = kubernetesAuditEvent(random)
  const { auditID, verb, user, sourceIPs, userAgent, objectRef } = original
  return {
    id: `${auditID}/ResponseComplete`,
    time: original.stageTimestamp,
    source: "kubernetes://cluster-1",
    action: `k8s.pods.${verb}`,
    outcome: "success",
    actor: { type: "service", id: user.username },
    targets: [{ type: "pods", id: `${objectRef.namespace}/${objectRef.name}` }],
    origin: { ip: sourceIPs[0], userAgent },
    data: { kubernetes: original },
  }
}

/** JSON texts of `count` events. */
export function createEvents(kind: EventKind, count: number, seed: number): Buffer[] {
  const random = createRandom(seed)
  const make = kind === "app" ? appEvent : kubernetesEvent
  return Array.from({ length: count }, () => Buffer.from(JSON.stringify(make(random))))
}

/** JSON texts of `count` events as an API server puts them into its EventList. */
export function createAuditEvents(count: number, seed: number): Buffer[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () =>
    Buffer.from(JSON.stringify(kubernetesAuditEvent(random))),
  )
}

function time(random: Random): string {
  return new Date(1_790_000_000_000 + random.below(1e9)).toISOString()
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((digits) => random.hex(digits)).join("-")
}
