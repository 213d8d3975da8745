import { judgeEvent, listMembers, membersFound, namesDigests } from "./judge"
import { rowBytes, rowLength, rowOffset, rowPosition, rowVerdict } from "./rows"
import { failedAt, failure } from "./text"
import { walk } from "./walk"

const eventDepthMax: u32 = 32
const membersDepthMax: u32 = 34
const verdictDisclosure: u32 = 15

/** The contract is Core.scan. */
export function scan(rows: usize, count: u32): u32 {
  const zero = i32x4.splat(0)
  let refused: u32 = 0
  for (const last = rows + rowBytes * count; rows != last; rows += rowBytes) {
    const at = <usize>load<u32>(rows, rowOffset)
    const length = load<u32>(rows, rowLength)
    judgeEvent(rows)
    store<u64>(rows, 0, 56)
    if (walk(at, at + length, eventDepthMax, false)) {
      const names = namesDigests()
      store<u32>(rows, names ? verdictDisclosure : 0, rowVerdict)
      store<u32>(rows, length, rowPosition)
      refused += u32(names)
      continue
    }
    store<u32>(rows, failure, rowVerdict)
    store<u32>(rows, <u32>(failedAt - at), rowPosition)
    v128.store(rows, zero, 16)
    v128.store(rows, zero, 32)
    v128.store(rows, zero, 48)
    refused += 1
  }
  return refused
}

/** The contract is Core.members. */
export function members(at: usize, end: usize, spans: usize, spansMax: u32): i32 {
  listMembers(spans, spansMax)
  if (!walk(at, end, membersDepthMax, true)) return -1
  const found = membersFound()
  return found > spansMax ? -2 : <i32>found
}
