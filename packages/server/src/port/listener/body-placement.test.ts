import { encodeDisclosure } from "@postern/log/event"
import { expect, test } from "vitest"
import type { BodyOffered } from "../session/index.ts"
import { BodyPlacement, type BodyRegion } from "./body-placement.ts"

const json = encodeDisclosure("s".repeat(22), "data", new Uint8Array([0x7b, 0x7d]))
const region: BodyRegion = {
  ...{ region: new Uint8Array(4), count: 1, changed: 3, tooLarge: [] },
  keptOut: [{ position: 0, values: [{ json, digest: "d" }] }],
}
const peer = { id: "w", certificate: "00", from: "x:1", session: "s" }

test("values of a body are kept anew if another policy decides by the time it gets its place", async () => {
  const answers: BodyOffered[] = [
    { kind: "stale" },
    { kind: "stale" },
    { kind: "placed", first: 7, accepted: 1, refused: [], altered: [], duplicates: [] },
  ]
  const steps: string[] = []
  const placement = new BodyPlacement(
    {
      keepOut: async () => {
        steps.push("keep")
        return new Set(["d"])
      },
      offerBody({ kept }) {
        steps.push(`offer ${[...kept]}`)
        return answers.shift() ?? { kind: "full", delayMs: 1 }
      },
      whenRoom: () => undefined,
      afterDurable: (callback) => callback(),
    },
    peer,
    "http",
    [region],
  )
  expect(await placement.run()).toMatchObject({ accepted: 1, entries: [{ index: 7, count: 1 }] })
  expect(steps).toEqual(["keep", "offer d", "keep", "offer d", "keep", "offer d"])
})
