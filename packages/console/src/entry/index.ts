/** One entry: read, related, verified. What is shown comes out of the leaf; the server's own reading of it is not used. */
export { EntryPage, EntryPanel } from "./entry-panel.tsx"
export { termFor } from "./term-for.ts"
export { type KeyInUse, useLogKey } from "./use-verification.ts"
