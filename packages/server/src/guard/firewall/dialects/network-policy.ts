import { stringify } from "yaml"
import type { Dialect } from "./dialect.ts"
import { namespaceLabel, opened, podLabels, texts } from "./kubernetes.ts"

/** What is not opened is closed, for the policy selects the pod. A service account cannot be said: it stays closed. */
export const networkPolicy: Dialect = {
  name: "networkpolicy",
  summary: "kubectl apply --namespace NAMESPACE -f: a NetworkPolicy",
  says: ({ cidr, kubernetes }) =>
    cidr !== undefined || (kubernetes !== undefined && kubernetes.serviceAccount === undefined),
  body(openings) {
    const ingress = opened(openings).map(({ ports, cidrs, kubernetes }) => ({
      from: [
        ...texts(cidrs).map((cidr) => ({ ipBlock: { cidr } })),
        // Both in one item, which means: and.
        ...kubernetes.map(({ namespace, labels }) => ({
          namespaceSelector: { matchLabels: { [namespaceLabel]: namespace } },
          podSelector: labels === undefined ? {} : { matchLabels: labels },
        })),
      ],
      ports: ports.map((port) => ({ protocol: "TCP", port })),
    }))
    return stringify({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "postern" },
      spec: { podSelector: { matchLabels: podLabels }, policyTypes: ["Ingress"], ingress },
    })
  },
}
