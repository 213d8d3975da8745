import { describe, expect, test } from "vitest"
import { afterWord, isDue, newPace, type WitnessWord } from "./index.ts"

const cosigned = (size: number): WitnessWord => ({ outcome: "cosigned", size, lines: "" })
const failed: WitnessWord = { outcome: "failed", detail: "" }

describe("a witness", () => {
  test("is asked at once, and again for each larger checkpoint", () => {
    expect(isDue(newPace(), -1, 0)).toBe(true)
    const pace = afterWord(newPace(), cosigned(5), 1000)
    expect(isDue(pace, 5, 1000)).toBe(false)
    expect(isDue(pace, 6, 1000)).toBe(true)
  })

  test("is asked twice a minute while the log is quiet", () => {
    const pace = afterWord(newPace(), cosigned(5), 1000)
    expect(isDue(pace, 5, 30_999)).toBe(false)
    expect(isDue(pace, 5, 31_000)).toBe(true)
  })

  test("that fails is left alone ever longer, up to half a minute, however the log grows", () => {
    let pace = newPace()
    let now = 0
    for (const waitMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      pace = afterWord(pace, failed, now)
      expect(isDue(pace, 1_000_000, now + waitMs - 1)).toBe(false)
      now += waitMs
      expect(isDue(pace, -1, now)).toBe(true)
    }
    pace = afterWord(pace, cosigned(5), now)
    expect(afterWord(pace, failed, now).notBefore).toBe(now + 1000)
  })
})
