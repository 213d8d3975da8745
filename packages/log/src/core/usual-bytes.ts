/** What events look like, roughly: only speed depends on it. */

/** How often a byte stands in audit events, in a measure of its own. */
export const byteWeights: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  if ('"etaonisr'.includes(character)) return 50
  if (/[a-z0-9:,.\-/_ ]/.test(character)) return 20
  return /[\x20-\x7e]/.test(character) ? 3 : 1
})

/** Words of applications and of Kubernetes. */
const usualText = [
  '{"id":"","time":"2026-01-01T00:00:00.000Z","source":"app://","action":"user.login","outcome":"success"',
  '"denied","failure","error","actor":{"type":"user","id":"name@example.com","displayName":""',
  '"targets":[{"type":"","id":""}],"origin":{"ip":"","userAgent":"Mozilla/5.0 (Windows NT; Linux x86_64)',
  'AppleWebKit Chrome Safari"},"amount":0,"count":true,"false":null},"session":{"id":""},"tenant"',
  '"category":"severity":"info","reason":"message":"version":"resource":"service":"account":"created"',
  '"updated","deleted","changed","granted","invoice.read","report.exported","role","group","permission"',
  '"status":"method":"GET","path":"/api/v1/","http://","https://www.org"',
  '{"kubernetes":{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"stage"',
  '"id":"/ResponseComplete","ResponseComplete","requestURI":"/apis/apps/v1/namespaces/default/pods/',
  '"verb":"create","patch","get","watch","username":"system:serviceaccount:kube-system:controller-runner"',
  '"uid":"groups":["system:serviceaccounts","system:authenticated"],"sourceIPs":["10.0.0.1"]',
  '"userAgent":"kubectl/v1.31.0 (linux/amd64) kubernetes/","id":"system:serviceaccount:kube-system:default"',
  '"objectRef":{"resource":"configmaps","leases","nodes","namespace":"name":"apiGroup":"subresource"',
  '"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"stageTimestamp":"annotations"',
  '"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding',
  '\\"cluster-admin\\" of ClusterRole \\"system:node\\" to User"',
].join(",")

/** How often three bytes, in lower case, stand there. */
export const usualTriples: ReadonlyMap<string, number> = countTriples(usualText.toLowerCase())

function countTriples(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i + 3 <= text.length; i++) {
    const triple = text.slice(i, i + 3)
    counts.set(triple, (counts.get(triple) ?? 0) + 1)
  }
  return counts
}
