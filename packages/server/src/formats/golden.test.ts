import { readFileSync } from "node:fs"
import type { JsonObject } from "@postern/log/event"
import { describe, expect, test } from "vitest"
import { readEvents } from "./reading.test.support.ts"
import { samples } from "./samples.test.support.ts"

/** What each sample becomes, looked over by a person. The original is left out where it is JSON. */
const golden = JSON.parse(
  readFileSync(new URL("samples.golden.json", import.meta.url), "utf8"),
) as Readonly<Record<string, readonly unknown[]>>

describe("the samples of each format become what was written down for them", () => {
  test.each(Object.keys(golden))("%s", (name) => {
    const { events, foreign } = readEvents(name, samples[name] ?? [])
    const found = events.map(({ source, ...event }, i) => {
      if (!foreign[i]?.isJson || foreign[i]?.isEvent) return event
      const { [name]: original, ...data } = event.data as JsonObject
      expect(original).toBeTypeOf("object")
      return { ...event, data }
    })
    expect(found).toEqual(golden[name])
  })
})
