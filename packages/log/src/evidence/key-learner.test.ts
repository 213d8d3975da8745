import { expect, test } from "vitest"
import { origin, strangeKey } from "./evidence-log.test.support.ts"
import { formatKeyProofs, KeyLearner, type KeyProof, pinnedPolicy } from "./index.ts"
import { type Key, KeyLog, keyA, keyB } from "./key-log.test.support.ts"

const pinned = (...keys: readonly Key[]) => pinnedPolicy(keys.map(({ vkey }) => vkey))

/** A log that answers what it is told to, and counts the questions. */
async function begin(remembered?: string) {
  const log = new KeyLog()
  const state = { asked: 0, answer: "", learned: [] as string[] }
  const world = {
    ask: async () => {
      state.asked += 1
      return state.answer
    },
    learned: (text: string) => void state.learned.push(text),
  }
  const learner = await KeyLearner.open(pinned(keyA), origin, world, remembered)
  const roll = async (): Promise<KeyProof[]> => {
    const index = await log.roll(keyA, keyB)
    return [await log.proof(index, [keyB, keyA])]
  }
  return { log, state, learner, world, roll }
}

test("nothing is asked while the pinned key signs", async () => {
  const { log, state, learner } = await begin()
  for (let i = 0; i < 3; i++) {
    log.grow(1)
    await learner.openCheckpoint(await log.note([keyA]))
  }
  expect(state).toMatchObject({ asked: 0, learned: [] })
})

test("a new key is asked about once, also while the old one signs beside it, and so is an old one's end", async () => {
  const { log, state, learner, world, roll } = await begin()
  const proofs = await roll()
  state.answer = formatKeyProofs(proofs)
  for (let i = 0; i < 3; i++) {
    log.grow(1)
    await learner.openCheckpoint(await log.note([keyB, keyA]))
  }
  expect(state).toMatchObject({ asked: 1, learned: [state.answer] })
  proofs.push(await log.proof(log.retire(keyA), [keyB]))
  state.answer = formatKeyProofs(proofs)
  log.grow(1)
  await learner.openCheckpoint(await log.note([keyB]))
  expect(state.asked).toBe(2)
  const thief = learner.openCheckpoint(await log.note([keyA]))
  await expect(thief).rejects.toMatchObject({ code: "NOTE_INVALID" })
  // The next process goes on with what was remembered, and asks nothing.
  const next = await KeyLearner.open(pinned(keyA), origin, world, state.learned.at(-1))
  const asked = state.asked
  await next.openCheckpoint(await log.note([keyB]))
  expect(state.asked).toBe(asked)
  await expect(next.openCheckpoint(await log.note([keyA]))).rejects.toThrow("a key that ended")
})

test("a log that takes back what it said of a retired key is not believed", async () => {
  const { log, state, learner, roll } = await begin()
  const [rolled] = (await roll()) as [KeyProof]
  const retired = await log.proof(log.retire(keyA), [keyB])
  state.answer = formatKeyProofs([rolled, retired])
  await learner.openCheckpoint(await log.note([keyB]))
  state.answer = formatKeyProofs([rolled])
  log.grow(1)
  const thief = learner.openCheckpoint(await log.note([keyA]))
  await expect(thief).rejects.toMatchObject({ code: "NOTE_INVALID" })
})

test("no answer, or a wrong one, is no harm where the pinned key signs, and an error where it does not", async () => {
  const { log, state, learner, roll } = await begin()
  const [rolled] = (await roll()) as [KeyProof]
  const { proofs } = learner
  state.answer = formatKeyProofs([{ ...rolled, path: [] }])
  await learner.openCheckpoint(await log.note([keyB, keyA]))
  expect(learner.proofs).toEqual(proofs)
  const alone = learner.openCheckpoint(await log.note([keyB]))
  await expect(alone).rejects.toMatchObject({ code: "KEY_CHANGE_INVALID" })
  expect(state.asked).toBe(2)
  for (let i = 0; i < 20; i++) await learner.openCheckpoint(await log.note([keyB, keyA]))
  expect(state.asked).toBeLessThan(6)
  state.answer = "not what was asked for\n"
  const { learner: another } = await begin()
  const strange = another.openCheckpoint(await log.note([strangeKey]))
  await expect(strange).rejects.toMatchObject({ code: "NOTE_INVALID" })
})
