import { z } from "zod"
import { type Cidr, parseCidr, suggestCidr } from "./cidr.ts"

const placesMax = 256

/** ::ffff:0:0/96: such a peer's packets are IPv4. */
const isMapped = ({ family, address }: Cidr): boolean => family === 6 && address >> 32n === 0xffffn

/** Kept as text: formatCidr() writes no other. */
const cidr = z.string().superRefine((text, context) => {
  const found = parseCidr(text)
  const wrong = found === undefined ? misspelled(text) : isMapped(found) ? mapped : undefined
  if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong })
})

const mapped = "is a mapped IPv4 network: write it as IPv4"

function misspelled(text: string): string {
  const suggestion = suggestCidr(text)
  if (suggestion !== undefined) return `must be written ${suggestion} (host bits zero, RFC 5952)`
  return "must be a network such as 10.1.2.0/24 or fd00:1::/64 (one host: /32 or /128)"
}

/** RFC 1123, as Kubernetes takes names. */
const label = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "must be made of a-z 0-9 -, 63 at most")
const name = z
  .string()
  .max(253, "is longer than 253 characters")
  .regex(
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
    "must be made of a-z 0-9 - .",
  )
const labelKey =
  /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/
const labelValue = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/

const labels = z
  .record(z.string(), z.string().regex(labelValue, "must be the value of a Kubernetes label"))
  .refine((all) => Object.keys(all).length > 0, "must name at least one")
  .refine(
    (all) => Object.keys(all).every((key) => labelKey.test(key)),
    "must be keys of Kubernetes labels",
  )

/** Pods: all of a namespace, or those with these labels, or of this service account, or both. */
const kubernetes = z.strictObject({
  namespace: label,
  labels: labels.optional(),
  serviceAccount: name.optional(),
})

const awsSecurityGroup = z
  .string()
  .regex(/^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, "must be an id such as sg-0123456789abcdef0")

/** Where an identity's connections come from, in one of the words that firewalls have. */
const place = z
  .strictObject({
    cidr: cidr.optional(),
    kubernetes: kubernetes.optional(),
    awsSecurityGroup: awsSecurityGroup.optional(),
  })
  .refine(
    (one) => Object.values(one).filter((value) => value !== undefined).length === 1,
    "must name one of cidr, kubernetes, awsSecurityGroup",
  )

/** `from` of an identity: what a firewall opens for it. The port itself asks certificates, never addresses. */
export const places = z
  .array(place)
  .min(1, "must name at least one")
  .max(placesMax, `must name at most ${placesMax}`)

export type Place = z.output<typeof place>
export type KubernetesPlace = NonNullable<Place["kubernetes"]>
