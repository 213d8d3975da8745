import type { Packed } from "../../disk/index.ts"

/** What the child says before it ends. */
export type KeeperWord =
  | { readonly packed: Packed }
  | { readonly refused: { readonly code: string; readonly error: string } }
