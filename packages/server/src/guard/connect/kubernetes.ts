import { formatHostPort } from "../../config/index.ts"
import { agentFile, agentLook, agentPromise, byAgent, startAgent } from "./agent-file.ts"
import type { ConfigFile, Place, Recipe, Rendering, Step } from "./recipe.ts"

const path = "/v1/kubernetes/audit"
/** Of the agent, on loopback: control planes run their API server on the host's network. */
const agentAddress = "127.0.0.1:17520"

export const kubernetes: Recipe = {
  ...byAgent,
  name: "kubernetes",
  title: "Kubernetes API server, with the agent in front of its webhook",
  way: "audit webhook to an agent on the same machine, which outlasts hours without the port",
  scheme: "kubernetes",
  proof: "part",
  render,
}

/** Without the agent: for tries, and where nothing else may run on the control plane. */
export const kubernetesDirect: Recipe = {
  name: "kubernetes-direct",
  title: "Kubernetes API server, webhook straight to the port",
  way: "audit webhook over mutual TLS; what an outage of over a minute delays is lost by the API server",
  adapters: ["kubernetes"],
  scheme: "kubernetes",
  needs: "pem",
  proof: "part",
  render: renderDirect,
}

function render(place: Place): Rendering {
  const agent = agentFile(place, { from: [`http: { address: "${agentAddress}" }`] })
  return {
    files: [auditPolicy, kubeconfig(`server: http://${agentAddress}${path}`, ""), agent],
    steps: [startAgent, ...switchOn],
    notes: [
      "An API server gives up a batch after little more than a minute of outage and counts it in apiserver_audit_error_total; the agent answers it from its spool.",
      "For a control plane in pods: deploy/kubernetes/agent runs the agent on each node.",
      agentPromise,
      agentLook,
    ],
  }
}

function renderDirect({ ca, certificate, key, write }: Place): Rendering {
  const server = `server: https://${formatHostPort(write)}${path}
      certificate-authority: ${ca}`
  const user = `
      client-certificate: ${certificate}
      client-key: ${key}`
  return {
    files: [auditPolicy, kubeconfig(server, user)],
    steps: switchOn,
    notes: [
      "An API server gives up a batch after little more than a minute of outage: `postern connect kubernetes` puts an agent in front, which does not.",
      "The API server reads these files as root in its pod: mount their directory. A new CA needs a restart of it, a new certificate does not.",
    ],
  }
}

const switchOn: readonly Step[] = [
  {
    what: "add these flags to the API server, and mounts of /etc/kubernetes/postern (kubeadm: /etc/kubernetes/manifests/kube-apiserver.yaml)",
    lines: [
      "--audit-policy-file=/etc/kubernetes/postern/audit-policy.yaml",
      "--audit-webhook-config-file=/etc/kubernetes/postern/webhook.kubeconfig",
      "--audit-webhook-mode=batch",
      "--audit-webhook-batch-max-size=400",
    ].join("\n"),
  },
  {
    what: "do something",
    command: "kubectl create configmap postern-hello --from-literal=hello=1",
  },
]

function kubeconfig(cluster: string, user: string): ConfigFile {
  const text = `apiVersion: v1
kind: Config
clusters:
  - name: postern
    cluster:
      ${cluster}
users:
  - name: apiserver
    user:${user === "" ? " {}" : user}
contexts:
  - name: audit
    context:
      cluster: postern
      user: apiserver
current-context: audit
`
  return { name: "webhook.kubeconfig", belongs: "/etc/kubernetes/postern/webhook.kubeconfig", text }
}

/** The same as deploy/kubernetes/api-server/policy.yaml: a test compares them. */
const auditPolicy: ConfigFile = {
  name: "audit-policy.yaml",
  belongs: "/etc/kubernetes/postern/audit-policy.yaml",
  text: `# What an API server says (--audit-policy-file). Who did what to which object, for everything that changes something, and for every
# look at a secret; never a body, for bodies hold secrets. An example: narrow it to what you must keep.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  # Leases and events of the cluster's own controllers are noise.
  - level: None
    resources:
      - { group: coordination.k8s.io, resources: [leases] }
      - { group: "", resources: [events] }
      - { group: events.k8s.io, resources: [events] }
  - level: Metadata
    resources:
      - { group: "", resources: [secrets, configmaps, "serviceaccounts/token", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"] }
      - { group: authentication.k8s.io, resources: ["*"] }
  - level: None
    verbs: [get, list, watch]
  - level: Metadata
`,
}
