import type { LiveFirewall } from "./live.ts"
import { liveIptables } from "./live-iptables.ts"
import { liveNftables } from "./live-nftables.ts"

/** The dialects that are more than text here. */
export const liveFirewalls: readonly LiveFirewall[] = [liveNftables, liveIptables]
