import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const all = ["packages/*/src/**/*.test.ts", "tools/**/*.test.ts", "test/**/*.test.ts"]
/** They change what a whole process has in common. */
const alone = [
  "packages/client/src/renewal/*.test.ts",
  "packages/server/src/disclosures/salts.test.ts",
]

export default defineConfig({
  test: {
    // Many tests wait for processes of their own: more of them than usual keep the cores busy. (A share above 100 % counts as 100 %.)
    maxWorkers: 2 * availableParallelism(),
    // What those processes compile they compile once.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url)),
    },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Loading the house anew for each file of tests took a sixth of all the time.
    projects: [
      { extends: true, test: { name: "together", include: all, exclude: alone, isolate: false } },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
})
