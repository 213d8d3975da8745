/**
 * The sieve: one event's bytes in, what is kept of them out (docs/spec/policy.md, Levels, Pointers, Detectors, The entry). Pure:
 * keys and disclosures come from the caller's world. Works on the bytes, in one pass and without recursion; whatever no rule,
 * level or detector names stays as it came, byte for byte. Never decides which rule counts, never stores anything, never parses
 * an event as a whole.
 */
export type { Done, KeptOut } from "./carrying-out.ts"
export type { Needle } from "./needles.ts"
export { openSieve, type Sieve, type SieveSettings } from "./sieve.ts"
export type { SieveWorld, Under } from "./sieve-world.ts"
export type { Beside, LargeSifted, Refusal, Sifted, ValueBeside } from "./sifted.ts"
export { hmacOf, type Mac, tokenOf } from "./values.ts"
