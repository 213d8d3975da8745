import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "tools/**/*.test.ts", "test/**/*.test.ts"],
    // Many tests wait for processes of their own: more of them than usual keep the cores busy. (A share above 100 % counts as 100 %.)
    maxWorkers: 2 * availableParallelism(),
    // What those processes compile they compile once.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url)),
    },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
