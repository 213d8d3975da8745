/**
 * Who may reach which port, said in the languages of firewalls: access list and ports in, text out. Pure: the same list
 * gives the same bytes. Never opens more than a place says: what a dialect cannot say is left closed, and told.
 * Addresses are no identity; behind every opening the port still asks for the certificate.
 */
export type { Dialect, Rendering } from "./dialect.ts"
export { chain as iptablesChain, table as iptablesTable } from "./iptables.ts"
export { type FirewallModel, makeModel, type Plane } from "./model.ts"
export { table as nftablesTable } from "./nftables.ts"
export { dialects, render } from "./render.ts"
