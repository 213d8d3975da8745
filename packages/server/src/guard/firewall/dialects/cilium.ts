import { stringify } from "yaml"
import type { Dialect } from "./dialect.ts"
import { opened, podLabels, texts } from "./kubernetes.ts"

/** Says service accounts, too. One rule has either endpoints or networks: both in one would mean and. */
export const cilium: Dialect = {
  name: "cilium",
  summary: "kubectl apply --namespace NAMESPACE -f: a CiliumNetworkPolicy",
  says: ({ awsSecurityGroup }) => awsSecurityGroup === undefined,
  body(openings) {
    const ingress = opened(openings).flatMap(({ ports, cidrs, kubernetes }) => {
      const toPorts = [{ ports: ports.map((port) => ({ port: String(port), protocol: "TCP" })) }]
      const fromEndpoints = kubernetes.map(({ namespace, labels, serviceAccount }) => ({
        matchLabels: {
          "k8s:io.kubernetes.pod.namespace": namespace,
          ...Object.fromEntries(
            Object.entries(labels ?? {}).map(([key, value]) => [`k8s:${key}`, value]),
          ),
          ...(serviceAccount && { "k8s:io.cilium.k8s.policy.serviceaccount": serviceAccount }),
        },
      }))
      return [
        ...(fromEndpoints.length === 0 ? [] : [{ fromEndpoints, toPorts }]),
        ...(cidrs.length === 0 ? [] : [{ fromCIDR: texts(cidrs), toPorts }]),
      ]
    })
    return stringify(
      {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { name: "postern" },
        spec: {
          endpointSelector: { matchLabels: podLabels },
          // Without a rule the policy would say nothing about what comes in; an empty one lets nobody in.
          ingress: ingress.length === 0 ? [{}] : ingress,
        },
      },
      { aliasDuplicateObjects: false },
    )
  },
}
