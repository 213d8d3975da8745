import type { Place } from "../../../access/index.ts"
import { aws } from "./aws.ts"
import { cilium } from "./cilium.ts"
import type { Dialect, Rendering } from "./dialect.ts"
import { docker } from "./docker.ts"
import { iptables } from "./iptables.ts"
import { type FirewallModel, openingsOf } from "./model.ts"
import { networkPolicy } from "./network-policy.ts"
import { nftables } from "./nftables.ts"
import { ufw } from "./ufw.ts"

/** A further dialect is a file beside these and its name here. */
export const dialects: readonly Dialect[] = [
  nftables,
  iptables,
  ufw,
  networkPolicy,
  cilium,
  aws,
  docker,
]

/** The model in a dialect. Errors: USAGE if the dialect needs the service's user and the model has none. */
export function render(dialect: Dialect, model: FirewallModel): Rendering {
  const notes = model.identities.flatMap(({ id, places }) => {
    if (places.length === 0)
      return [`nothing is opened for ${id}: no place (from:) in the access list`]
    return places
      .filter((place) => !dialect.says(place))
      .map(
        (place) => `not opened for ${id}: ${describe(place)}, ${dialect.name} has no word for it`,
      )
  })
  const head = [
    `Postern: who may reach which port, for ${dialect.summary}`,
    `Made by \`postern firewall render ${dialect.name}\` from the access list with the SHA-256`,
    model.digest,
    openingsOf(model, dialect.says)
      .map(({ plane, ports }) => `${plane} ${ports.join(" ")}`)
      .join(", "),
    ...notes,
  ]
  const first = dialect.firstLine === undefined ? "" : `${dialect.firstLine}\n`
  const header = head.map((line) => `# ${line}\n`).join("")
  return { text: first + header + dialect.body(openingsOf(model, dialect.says), model), notes }
}

/** Made of characters that the access list's schema lets through: nothing that ends a comment. */
function describe({ cidr, kubernetes, awsSecurityGroup }: Place): string {
  if (cidr !== undefined) return cidr
  if (awsSecurityGroup !== undefined) return `security group ${awsSecurityGroup}`
  const account = kubernetes?.serviceAccount
  const suffix = account === undefined ? "" : ` with service account ${account}`
  return `Kubernetes namespace ${kubernetes?.namespace}${suffix}`
}
