import type { AuditAnswer, AuditQuestion } from "@postern/log/wire"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { HttpAudits } from "./http-audits.ts"
import { peer } from "./lives.test.support.ts"

const note = "postern.test/log\n1\nroot\n"
const answered: AuditAnswer = { note, from: 3, consistency: [], sample: undefined, path: [] }

/** A desk whose answers the test gives. */
function openDesk() {
  const asked: { owner: object; question: AuditQuestion; answer(): void; ahead(): void }[] = []
  const forgotten: object[] = []
  const refused: string[] = []
  const desk = {
    ask(
      owner: object,
      question: AuditQuestion,
      answer: (answer: AuditAnswer) => void,
      ahead: (size: number) => void,
    ): void {
      asked.push({ owner, question, answer: () => answer(answered), ahead: () => ahead(2) })
    },
    forget: (owner: object) => void forgotten.push(owner),
  }
  return {
    ...{ asked, forgotten, refused },
    audits: new HttpAudits(desk, (_, detail) => void refused.push(detail)),
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test("a sender is answered what a frame would say, and told of when it is ahead", async () => {
  const { audits, asked, refused } = openDesk()
  const answer = audits.ask(peer, { seen: 3, sample: 1 })
  asked[0]?.ahead()
  asked[0]?.answer()
  expect(await answer).toEqual({ note, from: 3, consistency: [], sample: null, path: [] })
  expect(refused).toEqual(["seen 3, published 2"])
})

test("a writer has one question at a time, and one turn, whatever its connections", async () => {
  const { audits, asked } = openDesk()
  const first = audits.ask(peer, { seen: 0, sample: undefined })
  expect(await audits.ask(peer, { seen: 0, sample: undefined })).toBeUndefined()
  const other = audits.ask(
    { ...peer, id: "spiffe://lives.test/writer/other" },
    { seen: 0, sample: undefined },
  )
  for (const { answer } of asked) answer()
  expect([await first, await other]).toMatchObject([{ note }, { note }])
  void audits.ask(peer, { seen: 0, sample: undefined })
  expect(asked.map(({ owner }) => asked.findIndex((one) => one.owner === owner))).toEqual([0, 1, 0])
})

test("whose question fails may ask again, and no timer is left", async () => {
  const { audits: _, ...of } = openDesk()
  let fails = true
  const desk = {
    ask(...asked: Parameters<ConstructorParameters<typeof HttpAudits>[0]["ask"]>): void {
      if (fails) throw new Error("no desk")
      asked[2](answered)
    },
    forget: (owner: object) => void of.forgotten.push(owner),
  }
  const audits = new HttpAudits(desk, () => undefined)
  const question = { seen: 0, sample: undefined }
  await expect(audits.ask(peer, question)).rejects.toThrow("no desk")
  expect(vi.getTimerCount()).toBe(0)
  fails = false
  expect(await audits.ask(peer, question)).toMatchObject({ note })
})

test("whose turn does not come goes without, and may ask again", async () => {
  const { audits, asked, forgotten } = openDesk()
  const late = audits.ask(peer, { seen: 0, sample: undefined })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await late).toBeUndefined()
  expect(forgotten).toEqual([asked[0]?.owner])
  const again = audits.ask(peer, { seen: 0, sample: undefined })
  asked[1]?.answer()
  expect(await again).toMatchObject({ note })
})
