import { encodeUtf8 } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { parsePolicy } from "../policy/rules/index.ts"
import { live } from "./lives.test.support.ts"

afterEach(removeDirectories)

const eventOf = (id: string) =>
  encodeUtf8(
    JSON.stringify({
      ...{ id, time: "2026-11-22T12:00:00Z", source: "app://a", action: "page.get" },
      ...{ outcome: "success", actor: { type: "u", id: "u" }, targets: [] },
      data: { x: "y".repeat(65_280) },
    }),
  )
/** Too long for its entry with the stamp, which is known only when it gets its place. */
const long = eventOf("i".repeat(128))
const short = eventOf("i")

async function accepted(batches: readonly (readonly Uint8Array[])[]) {
  const port = await live(newDirectory(), 64 * 1024 * 1024)
  const rule = "{ name: a, match: { class: read }, level: full, deduplicate: 60 }"
  port.policy.use(parsePolicy(`rules: [${rule}]\n`))
  const stream = await port.open("a".repeat(32))
  const counts: number[] = []
  for (const batch of batches) counts.push((await port.send(stream, batch)).batch.accepted)
  await port.end()
  return counts
}

describe("of equal events one is kept, though the first one did not fit its entry", () => {
  test("in batches of their own", async () => {
    expect(long.length).toBeGreaterThan(65_438)
    expect(await accepted([[long], [short], [eventOf("j")]])).toEqual([0, 1, 0])
  })

  test("in one batch", async () => {
    expect(await accepted([[long, short, eventOf("j")], [eventOf("k")]])).toEqual([1, 0])
  })
})
