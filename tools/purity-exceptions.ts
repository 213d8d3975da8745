/** Files of pure rooms that touch the world all the same, each with its reason. */
export interface PurityException {
  readonly path: string
  readonly reason: string
}

export const purityExceptions: readonly PurityException[] = [
  {
    path: "packages/log/src/base/sha256.node.ts",
    reason:
      "hashes with node:crypto; the browser's twin is sha256.ts, and both pass the same vectors",
  },
  {
    path: "packages/log/src/core/native.ts",
    reason:
      "asks whether there is a Node whose hash is faster for long messages; the answer is the same bytes",
  },
  {
    path: "packages/server/src/port/session/disclosure-assembly.ts",
    reason: "hashes in parts with node:crypto, lest 8 MiB at once keep the neighbours waiting",
  },
]
