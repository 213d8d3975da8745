import { keyExchangeGroups } from "../../acceptor/index.ts"

/** The groups that this machine's runtime offers for the key exchange, most wanted first. */
export function keyExchange(): string[] {
  return keyExchangeGroups().split(":")
}
