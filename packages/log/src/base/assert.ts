/**
 * For our own mistakes only, never for what a peer sent: a broken invariant stops the process before it can
 * acknowledge anything that is not true. Stays on in production.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`)
}

/** The end of a `switch` that must be total. */
export function assertNever(value: never): never {
  throw new Error(`invariant broken: unexpected ${String(value)}`)
}
