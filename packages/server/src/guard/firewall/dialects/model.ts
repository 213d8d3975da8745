import { PosternError } from "@postern/log/base"
import type { AccessList, Cidr, Identity, KubernetesPlace, Place } from "../../../access/index.ts"
import { parseCidr } from "../../../access/index.ts"
import type { Config } from "../../../config/index.ts"
import { collapse } from "./collapse.ts"

export const planes = ["write", "read", "ops", "syslog"] as const
export type Plane = (typeof planes)[number]

/** Addresses of the planes; a firewall goes by their ports alone. */
type Listen = Pick<Config["listen"], Plane>

/** What all dialects say in their own words. */
export interface FirewallModel {
  /** Of the access list, SHA-256 in hex. */
  readonly digest: string
  readonly ports: Readonly<Record<Plane, readonly number[]>>
  /** Whose grant is good, by id. */
  readonly identities: readonly PlacedIdentity[]
  /** The service's own users on this machine, who reach its ports over loopback as root does; undefined if unknown here. */
  readonly serviceUids: readonly number[] | undefined
}

export interface PlacedIdentity {
  readonly id: string
  /** Where it may go: a writer's grant decides between the write and the syslog plane, or says both. */
  readonly planes: readonly Plane[]
  readonly places: readonly Place[]
}

/** What is opened of one plane: each list sorted, nothing twice. */
export interface Opening {
  readonly plane: Plane
  readonly ports: readonly number[]
  readonly cidrs: readonly Cidr[]
  readonly kubernetes: readonly KubernetesPlace[]
  readonly awsSecurityGroups: readonly string[]
}

/**
 * The identities that are good at `nowMs` and come over the network. Those of this installation's own processes come
 * over loopback as the service's users and are left out unless they have places. Errors: CONFIG_INVALID if a port is
 * any free one, or is of two planes: a firewall could not tell writers from readers.
 */
export function makeModel(
  access: AccessList,
  listen: Listen,
  nowMs: number,
  serviceUids?: readonly number[],
): FirewallModel {
  const ports = {
    write: portsOf(listen, "write"),
    read: portsOf(listen, "read"),
    ops: portsOf(listen, "ops"),
    syslog: portsOf(listen, "syslog"),
  }
  const all = planes.flatMap((plane) => ports[plane])
  const shared = all.find((port, at) => all.indexOf(port) !== at)
  if (shared !== undefined) {
    throw new PosternError("CONFIG_INVALID", `listen: port ${shared} is of two planes`)
  }
  const identities = access.identities.flatMap((identity): PlacedIdentity[] => {
    if (identity.role === "courier") return []
    if (nowMs >= (identity.expires ?? Number.POSITIVE_INFINITY)) return []
    const places = identity.from ?? []
    const own = identity.role === "writer" && identity.grant.internal === true
    return own && places.length === 0
      ? []
      : [{ id: identity.id, planes: planesOf(identity), places }]
  })
  identities.sort((a, b) => compare(a.id, b.id))
  return { digest: access.digest, ports, identities, serviceUids }
}

function planesOf(identity: Identity): Plane[] {
  if (identity.role !== "writer") return identity.role === "reader" ? ["read"] : ["ops"]
  const { adapters } = identity.grant
  const isSyslog = adapters.includes("syslog")
  if (!isSyslog) return ["write"]
  return adapters.length === 1 ? ["syslog"] : ["write", "syslog"]
}

function portsOf(listen: Listen, plane: Plane): number[] {
  const ports = [...new Set((listen[plane] ?? []).map(({ port }) => port))].sort((a, b) => a - b)
  if (ports.includes(0)) {
    throw new PosternError(
      "CONFIG_INVALID",
      `listen.${plane}: port 0 cannot be opened, name a port`,
    )
  }
  return ports
}

/** The planes that there are, with the places that `says` lets through. */
export function openingsOf(model: FirewallModel, says: (place: Place) => boolean): Opening[] {
  return planes
    .filter((plane) => model.ports[plane].length > 0)
    .map((plane) => {
      const places = model.identities
        .filter((identity) => identity.planes.includes(plane))
        .flatMap((identity) => identity.places)
        .filter(says)
      const kubernetes = places.flatMap((place) =>
        place.kubernetes ? [ordered(place.kubernetes)] : [],
      )
      return {
        plane,
        ports: model.ports[plane],
        cidrs: collapse(places.flatMap(({ cidr }) => (cidr && parseCidr(cidr)) || [])),
        kubernetes: distinct(kubernetes),
        awsSecurityGroups: distinct(places.flatMap((place) => place.awsSecurityGroup ?? [])),
      }
    })
}

/** Keys in one order, so that equal places are equal text. */
function ordered({ namespace, labels, serviceAccount }: KubernetesPlace): KubernetesPlace {
  return {
    namespace,
    ...(labels && {
      labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => compare(a, b))),
    }),
    ...(serviceAccount && { serviceAccount }),
  }
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values.map((value) => JSON.stringify(value)))]
    .sort(compare)
    .map((text) => JSON.parse(text) as T)
}

/** By code units: the same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
