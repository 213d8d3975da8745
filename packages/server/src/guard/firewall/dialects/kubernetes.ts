import type { Cidr } from "../../../access/index.ts"
import { formatCidr } from "../../../access/index.ts"
import type { Opening } from "./model.ts"

/** The label that the port's pods bear. */
export const podLabels = { "app.kubernetes.io/name": "postern" } as const

/** Every namespace bears its name as this label, set by the API server. */
export const namespaceLabel = "kubernetes.io/metadata.name"

/** Openings that open something: a rule without sources would open to everybody in Kubernetes. */
export function opened(openings: readonly Opening[]): Opening[] {
  return openings.filter(({ cidrs, kubernetes }) => cidrs.length + kubernetes.length > 0)
}

export function texts(cidrs: readonly Cidr[]): string[] {
  return cidrs.map(formatCidr)
}
