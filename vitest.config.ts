import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "tools/**/*.test.ts", "test/**/*.test.ts"],
    // Many tests wait for processes of their own: one more of them than usual keeps two cores busy.
    maxWorkers: "150%",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
