import { formatHex } from "@postern/log/base"
import {
  formatCheckpoint,
  formatNote,
  formatSignatureLines,
  openCosignedCheckpoint,
  parseNote,
  parsePolicy,
  signCosignature,
  signNote,
} from "@postern/log/tlog"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  type Contradiction,
  mergeCosignatures,
  parseContradiction,
  quorumTime,
  type WitnessEntry,
  Witnesses,
} from "./index.ts"
import { logSigner, witnessSigner } from "./signers.test.support.ts"

const log = logSigner("a.example/log", 1)
const [w1, w2] = [witnessSigner("w.example/1", 2), witnessSigner("w.example/2", 3)]
const policyText = (quorum: string) =>
  `log ${log.vkey}\nwitness w1 ${w1.vkey} http://w1/\nwitness w2 ${w2.vkey} http://w2/\n` +
  `group both all w1 w2\nquorum ${quorum}\n`
const seconds = 1_700_000_000

function noteOf(size: number, byte = size): Promise<string> {
  const root = new Uint8Array(32).fill(byte)
  return signNote(formatCheckpoint({ origin: log.name, size, root }), log)
}

async function linesOver(note: string, signer: typeof w1, time = seconds): Promise<string> {
  return formatSignatureLines([await signCosignature(parseNote(note).text, time, signer)])
}

/** The port's side with a disk in memory; `signed` says how far the log was signed. */
function begin(quorum = "both") {
  const state = {
    ...{ now: seconds * 1000, signed: 0, published: "", witnessed: [] as string[] },
    meanwhile: async () => undefined as unknown,
  }
  const entries: WitnessEntry[] = []
  const evidence: string[] = []
  const stopped: Contradiction[] = []
  const kept: Contradiction[] = []
  const witnesses = new Witnesses(parsePolicy(policyText(quorum)), [log.vkey], {
    now: () => state.now,
    signedSize: () => state.signed,
    republish: async (change) => {
      state.published = change(state.published) ?? state.published
    },
    ownHistory: async (from, to) => {
      await state.meanwhile()
      const proof = [new Uint8Array(32).fill(to)]
      return from > to ? undefined : { root: new Uint8Array(32).fill(from), proof }
    },
    keepWitnessed: async (note) => void state.witnessed.push(note),
    keepEvidence: async (_name, text) => void evidence.push(text),
    keepContradiction: async (found) => void kept.push(found),
    record: (entry) => void entries.push(entry),
    contradicted: (found) => void stopped.push(found),
    failed: (error) => {
      throw error
    },
  })
  const publish = async (size: number) => {
    const note = await noteOf(size)
    Object.assign(state, { signed: size, published: note })
    witnesses.publishing(size, note)
    return note
  }
  const standing = (name: string) => witnesses.summary().each.find((one) => one.name === name)
  return { witnesses, state, entries, evidence, stopped, kept, publish, standing }
}

describe("a cosignature", () => {
  test("is put under the published checkpoint, and the quorum is remembered", async () => {
    const { witnesses, state, publish, standing } = begin()
    const note = await publish(5)
    const report = { outcome: "cosigned", size: 5 }
    await witnesses.report({ ...report, witness: "w1", lines: await linesOver(note, w1) })
    await witnesses.flush()
    expect(state.witnessed).toEqual([])
    expect(witnesses.summary()).toMatchObject({ size: 0, ageSeconds: undefined, behind: false })
    await witnesses.report({ ...report, witness: "w2", lines: await linesOver(note, w2) })
    await witnesses.flush()
    const opened = await openCosignedCheckpoint(state.published, parsePolicy(policyText("both")))
    expect(opened).toMatchObject({ cosigned: ["w1", "w2"], quorumMet: true })
    expect(state.witnessed).toEqual([state.published])
    state.now += 7000
    expect(witnesses.summary()).toMatchObject({ size: 5, ageSeconds: 7, behind: false })
    expect(standing("w2")).toMatchObject({ state: "cosigned", size: 5, time: seconds })
  })

  test("that comes late still counts, but the published checkpoint is not set back", async () => {
    const { witnesses, state, publish } = begin("w1")
    const old = await publish(5)
    const young = await publish(6)
    const lines = await linesOver(old, w1)
    await witnesses.report({ outcome: "cosigned", witness: "w1", size: 5, lines })
    await witnesses.flush()
    expect(state.published).toBe(young)
    expect(parseNote(state.witnessed[0] ?? "").text).toBe(parseNote(old).text)
    expect(witnesses.summary().size).toBe(5)
  })

  test("of a smaller size than the newest with the quorum takes nothing back", async () => {
    const { witnesses, state, publish } = begin("w1")
    const notes = [await publish(5), await publish(6)]
    for (const [size, note] of [
      [6, notes[1]],
      [5, notes[0]],
    ] as const) {
      const lines = await linesOver(note ?? "", w1)
      await witnesses.report({ outcome: "cosigned", witness: "w1", size, lines })
      await witnesses.flush()
    }
    expect(state.witnessed).toHaveLength(1)
    expect(witnesses.summary().size).toBe(6)
  })

  test("that is wrong in any way is not taken, and the witness is told apart", async () => {
    const { witnesses, state, publish, standing } = begin("w1")
    const note = await publish(5)
    const wrong = [
      "",
      "garbage\n",
      await linesOver(await noteOf(6), w1),
      await linesOver(note, w2),
      await linesOver(note, witnessSigner("w.example/1", 9)),
      await linesOver(note, w1, seconds + 400),
      await linesOver(note, w1, seconds - 400),
      (await linesOver(note, w1)) + (await linesOver(await noteOf(6), w1)),
    ]
    for (const lines of wrong) {
      await witnesses.report({ outcome: "cosigned", witness: "w1", size: 5, lines })
      await witnesses.flush()
      expect(standing("w1")?.state).toBe("wrong")
    }
    expect([state.published, state.witnessed]).toEqual([note, []])
  })

  test("tells how far the clocks are apart, even where it is too far to be counted", async () => {
    const { witnesses, state, publish, standing } = begin("w1")
    const note = await publish(5)
    state.now += 700
    const answer = async (time: number, witness = "w1", signer = w1) => {
      const lines = await linesOver(note, signer, time)
      await witnesses.report({ outcome: "cosigned", witness, size: 5, lines })
    }
    expect(standing("w1")?.ahead).toBeUndefined()
    await answer(seconds)
    expect(standing("w1")).toMatchObject({ state: "cosigned", ahead: { fromMs: -1000, toMs: 700 } })
    await answer(seconds - 400)
    expect(standing("w1")).toMatchObject({
      ...{ state: "wrong", time: seconds },
      ahead: { fromMs: 399_000, toMs: 400_700 },
    })
    // Signed by somebody else, it tells nothing of this witness.
    await answer(seconds - 9, "w2", w1)
    expect(standing("w2")?.ahead).toBeUndefined()
    await witnesses.flush()
  })

  test("of unknown keys beside the right one is left out", async () => {
    const { witnesses, state, publish } = begin("w1")
    const note = await publish(5)
    const lines = `— w.example/1 AAAABQAA\n${await linesOver(note, w1)}`
    await witnesses.report({ outcome: "cosigned", witness: "w1", size: 5, lines })
    await witnesses.flush()
    expect(parseNote(state.published).signatures.map(({ name }) => name)).toEqual([
      "a.example/log",
      "w.example/1",
    ])
  })

  test("lines commute, and of two by one key the later stays", async () => {
    const note = await noteOf(5)
    const { text } = parseNote(note)
    const lines = await Promise.all(
      [w1, w2].flatMap((signer) => [1, 2, 3].map((time) => signCosignature(text, time, signer))),
    )
    const sorted = (merged: string) =>
      parseNote(merged)
        .signatures.map(({ name, signature }) => `${name} ${formatHex(signature)}`)
        .sort()
    const whole = sorted(mergeCosignatures(note, lines))
    expect(whole).toHaveLength(3)
    fc.assert(
      fc.property(fc.shuffledSubarray(lines, { minLength: lines.length }), (shuffled) => {
        const oneByOne = shuffled.reduce((merged, line) => mergeCosignatures(merged, [line]), note)
        expect(sorted(oneByOne)).toEqual(whole)
        expect(parseNote(oneByOne).signatures[0]).toEqual(parseNote(note).signatures[0])
      }),
      { numRuns: 30 },
    )
  })

  test("quorum is as old as the oldest signature that it needs", () => {
    const times = new Map([
      ["w1", 10],
      ["w2", 20],
    ])
    expect(quorumTime(parsePolicy(policyText("both")), times)).toBe(10)
    expect(quorumTime(parsePolicy(policyText("w2")), times)).toBe(20)
    expect(quorumTime(parsePolicy(policyText("both")), new Map([["w1", 10]]))).toBeUndefined()
  })
})

describe("a witness that knows more", () => {
  test("than was signed stops the signing; with the log's own signature it is a proof", async () => {
    const { witnesses, entries, evidence, stopped, kept, publish } = begin()
    await publish(5)
    await witnesses.report({ outcome: "larger", witness: "w1", size: 9 })
    expect(witnesses.contradiction).toMatchObject({ code: "LOG_ROLLED_BACK", proven: false })
    await witnesses.report({ outcome: "larger", witness: "w1", size: 9, note: await noteOf(8) })
    expect(witnesses.contradiction).toMatchObject({ size: 8, proven: true, witness: "w1" })
    expect(stopped.map(({ proven }) => proven)).toEqual([false, true])
    expect(kept).toEqual(stopped)
    expect(entries.map(({ action }) => action)).toEqual([
      "postern.witness.contradiction",
      "postern.witness.contradiction",
    ])
    expect(JSON.parse(evidence[1] ?? "")).toMatchObject({
      theirs: await noteOf(8),
      ours: await noteOf(5),
    })
    expect(witnesses.summary().contradiction).toContain("w1 shows a checkpoint of 8 entries")
    expect(parseContradiction(JSON.stringify(kept[1]))).toEqual(kept[1])
  })

  test("says so once", async () => {
    const { witnesses, entries, publish } = begin()
    await publish(5)
    for (let i = 0; i < 5; i++) {
      await witnesses.report({ outcome: "larger", witness: "w1", size: 9 + i })
    }
    expect(entries).toHaveLength(1)
  })

  test("than it was asked about, but no more than was signed, stops nothing", async () => {
    const { witnesses, stopped, publish } = begin()
    await publish(9)
    await witnesses.report({ outcome: "larger", witness: "w1", size: 9 })
    await witnesses.report({ outcome: "larger", witness: "w1", size: 8, note: await noteOf(7) })
    expect(stopped).toEqual([])
  })

  test("shows nothing if the log's key did not sign it", async () => {
    const { witnesses, publish } = begin()
    await publish(5)
    const root = new Uint8Array(32)
    const other = logSigner("a.example/log", 8)
    const note = await signNote(formatCheckpoint({ origin: log.name, size: 9, root }), other)
    await witnesses.report({ outcome: "larger", witness: "w1", size: 9, note })
    expect(witnesses.contradiction).toMatchObject({ proven: false })
  })
})

describe("a witness that knows another history", () => {
  test("proves a fork if the log's key signed a root that is not ours, and all is kept", async () => {
    for (const size of [5, 3]) {
      const { witnesses, evidence, publish } = begin()
      await publish(5)
      const theirs = await noteOf(size, 99)
      await witnesses.report({ outcome: "contradiction", witness: "w2", size: 5, note: theirs })
      expect(witnesses.contradiction).toMatchObject({ code: "LOG_FORKED", size, proven: true })
      const ourRoot = Buffer.alloc(32, size).toString("base64")
      const ours = await noteOf(5)
      const proof = [Buffer.alloc(32, 5).toString("base64")]
      expect(JSON.parse(evidence[0] ?? "")).toMatchObject({ theirs, ours, ourRoot, proof })
    }
  })

  test("is shown the checkpoint that the proof leads to, though a newer one is there by then", async () => {
    const { witnesses, state, evidence, publish } = begin()
    await publish(5)
    state.meanwhile = () => publish(6)
    const note = await noteOf(3, 99)
    await witnesses.report({ outcome: "contradiction", witness: "w2", size: 5, note })
    const proof = [Buffer.alloc(32, 5).toString("base64")]
    expect(JSON.parse(evidence[0] ?? "")).toMatchObject({ ours: await noteOf(5), proof })
  })

  test("but shows this one is none", async () => {
    const { witnesses, stopped, publish, standing } = begin()
    await publish(5)
    const note = await noteOf(3)
    await witnesses.report({ outcome: "contradiction", witness: "w2", size: 5, note })
    expect(stopped).toEqual([])
    expect(standing("w2")?.state).toBe("failed")
  })

  test("without showing it is a claim", async () => {
    const { witnesses, publish } = begin()
    await publish(5)
    await witnesses.report({ outcome: "contradiction", witness: "w2", size: 5 })
    expect(witnesses.contradiction).toMatchObject({ code: "LOG_FORKED", proven: false })
    expect(witnesses.summary().contradiction).toContain("claims, without showing it")
  })
})

describe("the alarm about a missing quorum", () => {
  test("is raised once after a minute and lowered once", async () => {
    const { witnesses, state, entries, publish } = begin("w1")
    const note = await publish(5)
    await witnesses.report({ outcome: "failed", witness: "w2", detail: "no answer" })
    for (const more of [59_000, 2_000, 60_000]) {
      state.now += more
      witnesses.everySecond()
    }
    expect(entries).toEqual([
      {
        action: "postern.witness.behind",
        outcome: "failure",
        data: {
          ...{ witnessed: 0, signed: 5, ageSeconds: undefined },
          silent: [
            { name: "w1", state: "unknown" },
            { name: "w2", state: "failed" },
          ],
        },
      },
    ])
    const lines = await linesOver(note, w1, Math.floor(state.now / 1000))
    await witnesses.report({ outcome: "cosigned", witness: "w1", size: 5, lines })
    await witnesses.flush()
    witnesses.everySecond()
    witnesses.everySecond()
    expect(entries.map(({ action }) => action)).toEqual([
      "postern.witness.behind",
      "postern.witness.caught-up",
    ])
  })
})

describe("at a start", () => {
  test("the first words are there when each witness was heard of", async () => {
    const { witnesses, publish } = begin()
    await publish(5)
    let heard = false
    const words = witnesses.firstWords(60_000).then(() => {
      heard = true
    })
    await witnesses.report({ outcome: "failed", witness: "w1", detail: "no answer" })
    expect(heard).toBe(false)
    await witnesses.report({ outcome: "unknown-log", witness: "w2", detail: "404" })
    await words
    expect(heard).toBe(true)
  })

  test("without a word it goes on, and says that nothing is known", async () => {
    const { witnesses, standing } = begin()
    await witnesses.firstWords(1)
    expect(standing("w1")?.state).toBe("unknown")
  })

  test("what an earlier life left is known; what does not open is not", async () => {
    const note = await noteOf(5)
    const { text, signatures } = parseNote(note)
    const witnessed = formatNote({
      text,
      signatures: [...signatures, await signCosignature(text, seconds - 9, w1)],
    })
    const { witnesses } = begin("w1")
    await witnesses.restore(witnessed, "garbage")
    expect(witnesses.summary()).toMatchObject({ size: 5, ageSeconds: 9 })
  })

  test("a policy that asks for nobody, or for another log, is refused", () => {
    const world = {} as ConstructorParameters<typeof Witnesses>[2]
    const open = (text: string, vkey: string) => new Witnesses(parsePolicy(text), [vkey], world)
    const invalid = expect.objectContaining({ code: "POLICY_INVALID" })
    expect(() => open("quorum none\n", log.vkey)).toThrow(invalid)
    expect(() => open(policyText("w1"), logSigner("b.example/log", 1).vkey)).toThrow(invalid)
  })
})

test.each([
  undefined,
  null,
  "x",
  {},
  { outcome: "cosigned", witness: "w1", size: 1 },
  { outcome: "cosigned", witness: "w1", size: -1, lines: "" },
  { outcome: "cosigned", witness: "w1", size: 1.5, lines: "" },
  { outcome: "cosigned", witness: "nobody", size: 1, lines: "" },
  { outcome: "larger", witness: "w1", size: "9" },
  { outcome: "larger", witness: "w1", size: 9, note: 1 },
  { outcome: "failed", witness: "w1" },
  { outcome: "failed", witness: "w1", detail: "x", more: 1 },
  { outcome: "happy", witness: "w1" },
])("is no report: %j", async (value) => {
  await expect(begin().witnesses.report(value)).rejects.toThrow(
    expect.objectContaining({ code: "REQUEST_INVALID" }),
  )
})
