import { expect, test } from "vitest"
import { remembered } from "./remembered.ts"

const counting = () => {
  const asked: string[] = []
  const judge = remembered((name) => {
    asked.push(name)
    return name.length
  })
  return { asked, judge }
}

test("a name is judged once", () => {
  const { asked, judge } = counting()
  for (const name of ["a", "password", "a", "\ud800", "password", "\ud800", ""]) {
    expect(judge(name)).toBe(name.length)
  }
  expect(asked).toEqual(["a", "password", "\ud800", ""])
})

test("a long name is judged each time", () => {
  const { asked, judge } = counting()
  const long = "x".repeat(1_000)
  expect([judge(long), judge(long)]).toEqual([1_000, 1_000])
  expect(asked).toHaveLength(2)
})

test("when there are too many all are forgotten", () => {
  const { asked, judge } = counting()
  for (let i = 0; i < 5_000; i++) judge(`n${i}`)
  expect(asked).toHaveLength(5_000)
  judge("n4999")
  expect(asked).toHaveLength(5_000)
  judge("n1")
  expect(asked).toHaveLength(5_001)
})
