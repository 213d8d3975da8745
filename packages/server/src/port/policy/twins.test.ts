import { encodeUtf8 } from "@postern/log/base"
import { rowField } from "@postern/log/core"
import { describe, expect, test } from "vitest"
import { decide, parsePolicy } from "../../policy/rules/index.ts"
import { openSieve, type SieveWorld } from "../../policy/sieve/index.ts"
import { load, memory } from "../sequencer/placing.test.support.ts"
import { RowEvent } from "./row-event.ts"
import { Sifting } from "./sifting.ts"

const keys: SieveWorld = {
  mac: () => ({ kid: "0badcafe", digest: "A".repeat(43) }),
  keepOut: () => {
    throw new Error("nothing is kept out")
  },
}
const policy = parsePolicy("rules: [{ name: a, level: full }]\ndetect: { secrets: redact }\n")
const named = {
  ...({ writer: "w", adapter: "postern" } as const),
  ...{ source: "app://a", action: "user.login", outcome: "success" },
} as const

describe("a secret's name with a letter of Latin-1 in it", () => {
  test.each([
    "p\u00e4ssword",
    "passw\u00f6rd",
    "p\u00aassword",
    "t\u00f6ken",
    "s\u00e9cret",
    "pa\u00dfword",
    "pass\u00adword",
  ])("%s is found before the core's table of needles as it is without", (name) => {
    const event = encodeUtf8(
      JSON.stringify({
        ...{ id: "1", time: "2026-11-22T12:00:00Z", source: "app://a", action: "user.login" },
        ...{ outcome: "success", actor: {}, targets: [], data: { [name]: "Xk29fjwq81" } },
      }),
    )
    load([event])
    memory.core.scan(memory.rows, 1)
    const seen = new RowEvent(memory, memory.body + 4, event.length)
    const decision = decide(policy, named, seen)
    const whole = openSieve(policy, keys, { shortLived: new Set() }).sift(
      decision,
      "postern",
      event,
    )
    const sifting = new Sifting({ memory, keys, now: () => 0 })
    sifting.use(policy, new Set())
    sifting.sift({ count: 1, writer: "w", adapter: "postern", changed: 0 })
    const changed = memory.core.memory[memory.rows + rowField.changed] ?? 0
    expect(changed >= 4).toBe(whole.bytes !== undefined)
  })
})
