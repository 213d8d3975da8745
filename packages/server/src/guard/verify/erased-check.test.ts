import { encodeUtf8 } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import { beforeEach, expect, it } from "vitest"
import { summarise } from "../../erasure/index.ts"
import { ErasedCheck } from "./erased-check.ts"

const leafOf = (action: string, data: object): Uint8Array => {
  const stamp = {
    received: 1,
    open: 0,
    sequence: 0,
    nonce: new Uint8Array(16),
    changed: 0,
  } as const
  return encodeUtf8(`${formatStamp(stamp)}\n${JSON.stringify({ action, data })}`)
}
const list = [
  { index: 2, digests: ["a", "b"] },
  { index: 4, digests: ["c"] },
]
const erased = (began: number, all: typeof list) =>
  leafOf("postern.erased", { began, ...summarise(all) })

let faults: string[]
let check: ErasedCheck
const tell = (all: typeof list, by: number | undefined): void => {
  for (const { index, digests } of all) check.values(index, digests, by)
}

beforeEach(() => {
  faults = []
  check = new ErasedCheck((where, what) => void faults.push(`${where}: ${what}`))
  check.beginsAt(0)
})

it("takes what the log says, to the value", () => {
  tell(list, 6)
  check.leaf(erased(6, list), 7)
  check.finish()
  expect(faults).toEqual([])
})

it.each<[string, typeof list, number | undefined]>([
  ["another value", [...list.slice(0, 1), { index: 4, digests: ["d"] }], 6],
  ["one more", [...list, { index: 5, digests: ["d"] }], 6],
  ["one less: it is still there", list.slice(0, 1), 6],
  ["what another entry is named for", list, 5],
  ["what no entry is named for", list, undefined],
])("finds %s", (_what, told, by) => {
  tell(told, by)
  check.leaf(erased(6, list), 7)
  check.finish()
  expect(faults.length).toBeGreaterThan(0)
})

it("finds what nothing is said of, and what has only begun", () => {
  tell(list, 6)
  check.leaf(leafOf("postern.erasure.began", { ...summarise(list) }), 6)
  check.finish()
  expect(faults).toEqual([expect.stringContaining("3 values from entry 2 on are erased")])
})

it("takes keys of classes as the entry says that they were destroyed", () => {
  tell(list, 6)
  check.leaf(leafOf("postern.retention.keys-destroyed", { keys: ["read 2026-01"] }), 6)
  check.finish()
  expect(faults).toEqual([])
})

it("compares numbers where the log begins behind the list", () => {
  const late = new ErasedCheck((where, what) => void faults.push(`${where}: ${what}`))
  late.beginsAt(3)
  late.values(4, ["c"], 6)
  late.leaf(erased(6, list), 7)
  late.finish()
  expect(faults).toEqual([])
})
