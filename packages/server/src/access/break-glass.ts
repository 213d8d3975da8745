import type { Identity } from "./identity.ts"

/** How long break-glass access lasts once it is opened: one hour, in milliseconds. */
export const breakGlassMs = 3_600_000

/** A reader for emergencies: sealed as long as it has no end, live in the last hour before it, spent after it. */
export type BreakGlassIdentity = Identity & { readonly role: "reader"; readonly breakGlass: true }

/** Those of a list, in its order. */
export function breakGlassOf(identities: readonly Identity[]): readonly BreakGlassIdentity[] {
  return identities.filter(
    (one): one is BreakGlassIdentity => one.role === "reader" && one.breakGlass === true,
  )
}

/** @param nowMs milliseconds since the epoch */
export function isLive({ expires }: Pick<Identity, "expires">, nowMs: number): boolean {
  return expires !== undefined && nowMs < expires && nowMs >= expires - breakGlassMs
}
