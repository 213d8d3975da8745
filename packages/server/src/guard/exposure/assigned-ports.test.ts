import { expect, test } from "vitest"
import { isAssigned } from "./assigned-ports.ts"

test("knows what the registry gives to others, and that the usual ports are nobody's", () => {
  // shell, syslog-tls, radan-http, db-lsp, ailith, http-alt, postgresql, x11, flex-lm
  for (const port of [514, 6514, 8088, 17_500, 17_555, 8080, 5432, 6063, 27_009])
    expect(isAssigned(port), `${port}`).toBe(true)
  for (let port = 17_501; port < 17_555; port++) expect(isAssigned(port), `${port}`).toBe(false)
  for (const port of [4318, 12_201, 24_224, 49_152, 65_535])
    expect(isAssigned(port), `${port}`).toBe(false)
})

test("holds as many numbers as the registry", () => {
  const numbers = Array.from({ length: 65_536 - 1024 }, (_, i) => 1024 + i)
  expect(numbers.filter(isAssigned)).toHaveLength(5584)
})
