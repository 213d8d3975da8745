import { readFileSync } from "node:fs"
import { formatHex } from "@postern/log/base"
import { emptyRoot, formatAddCheckpoint, formatNote, parseNote, signNote } from "@postern/log/tlog"
import { describe, expect, test } from "vitest"
import { judge, type Known, readSubmission, type WitnessedLog } from "./judgement.ts"
import { type SmallLog, signerOf, smallLog } from "./small-log.test.support.ts"

const log = smallLog("a.example/log")
const fork = smallLog("a.example/log", 1, "b")
const stranger = smallLog("a.example/log", 7)
const told: WitnessedLog = { origin: log.origin, vkeys: [log.vkey] }
const nothing: Known = { size: 0, root: emptyRoot, note: undefined, time: 0 }

async function at(size: number, of: SmallLog = log): Promise<Known> {
  return { size, root: await of.root(size), note: await of.note(size), time: 1 }
}

async function answerTo(body: string, known: Known, told_: WitnessedLog | undefined = told) {
  return await judge(told_, known, readSubmission(body), 1_700_000_000)
}

describe("a request that is right", () => {
  test("is cosigned from every size to every larger one", async () => {
    for (let from = 0; from <= 9; from++) {
      for (let to = from; to <= 9; to++) {
        const answer = await answerTo(await log.request(from, to), await at(from))
        expect(answer).toMatchObject({ status: 200, known: { size: to, time: 1_700_000_000 } })
        if (answer.status !== 200) throw new Error("not cosigned")
        expect(formatHex(answer.known.root)).toBe(formatHex(await log.root(to)))
        expect(answer.text).toBe(parseNote(await log.note(to)).text)
      }
    }
  })

  test("may carry lines of strangers, which are not kept", async () => {
    const { text, signatures } = parseNote(await log.note(3))
    const other = { name: "x.example/y", keyId: 1, signature: new Uint8Array(64) }
    const note = formatNote({ text, signatures: [other, ...signatures] })
    const answer = await answerTo(formatAddCheckpoint({ oldSize: 0, proof: [], note }), nothing)
    expect(answer).toMatchObject({ status: 200, known: { note: await log.note(3) } })
  })

  test("may have extension lines, which are signed along", async () => {
    const text = `${parseNote(await log.note(3)).text}extension 1\n`
    const note = await signNote(text, signerOf(log.origin, 1))
    const answer = await answerTo(formatAddCheckpoint({ oldSize: 0, proof: [], note }), nothing)
    expect(answer).toMatchObject({ status: 200, text })
  })

  test("may be signed by any one of the keys that are trusted for the origin", async () => {
    const both = { origin: log.origin, vkeys: [stranger.vkey, log.vkey] }
    expect(await answerTo(await log.request(0, 3), nothing, both)).toMatchObject({ status: 200 })
  })
})

describe("the checkpoint of a log that is none of ours", () => {
  const url = new URL("../../../../docs/spec/vectors/notes.json", import.meta.url)
  const { notes } = JSON.parse(readFileSync(url, "utf8")) as {
    notes: { name: string; vkeys: string[]; note: string }[]
  }

  test("is cosigned: a Sigsum tree head", async () => {
    const { note = "", vkeys = [] } = notes.find(({ name }) => name.includes("Sigsum")) ?? {}
    const origin = vkeys[0]?.split("+")[0] ?? ""
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], note })
    expect(await answerTo(body, nothing, { origin, vkeys })).toMatchObject({ status: 200 })
  })

  test("is cosigned: a head of Go's checksum database, whose origin is not its key's name", async () => {
    const origin = "go.sum database tree"
    const vkeys = ["sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"]
    const note = `${origin}
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], note })
    const answer = await answerTo(body, nothing, { origin, vkeys })
    expect(answer).toMatchObject({ status: 200, known: { size: 20_852_163, note } })
  })
})

describe("a request is refused", () => {
  const cases: [name: string, status: number, body: () => Promise<string>, known: number][] = [
    ["for a size behind the old one", 400, () => log.request(5, 5).then(older), 5],
    ["without a signature of the log", 403, () => stranger.request(0, 3), 0],
    ["with a wrong signature of the log", 403, () => log.request(0, 3).then(spoiled), 0],
    ["with a size that is not the witness's", 409, () => log.request(3, 5), 4],
    ["with the old size 0, once something was cosigned", 409, () => log.request(0, 5), 5],
    ["with a proof from size 0", 422, () => withProof(0, 3), 0],
    ["with a proof to the same size", 422, () => withProof(3, 3), 3],
    ["with no proof", 422, () => withoutProof(3, 5), 3],
    ["with the proof of another size", 422, () => withProof(3, 7, 6), 3],
    ["with another root at the same size", 422, () => fork.request(3, 3), 3],
    ["of another history", 422, () => fork.request(3, 7), 3],
    ["with a root of its own for the empty tree", 422, () => emptyWith(1), 0],
  ]

  test.each(cases)("%s: %i", async (_name, status, body, known) => {
    const answer = await answerTo(await body(), known === 0 ? nothing : await at(known))
    expect(answer.status).toBe(status)
    if (answer.status === 200) return
    expect(answer.contradiction !== undefined).toBe(status === 422)
    expect(answer.body).toMatch(/\n$/)
  })

  test("for an origin that nobody added: 404", async () => {
    expect(
      await judge(undefined, nothing, readSubmission(await log.request(0, 1)), 1),
    ).toMatchObject({ status: 404 })
  })

  test("with the witness's size and its content type: 409", async () => {
    const answer = await answerTo(await log.request(0, 5), await at(4))
    expect(answer).toEqual({ status: 409, body: "4\n", contentType: "text/x.tlog.size" })
  })

  test("by a wrong signature of a trusted key even beside a right one: 403", async () => {
    const { text, signatures } = parseNote(await log.note(3))
    const [own] = signatures
    if (own === undefined) throw new Error("no signature")
    const wrong = { ...own, signature: new Uint8Array(64) }
    const note = formatNote({ text, signatures: [own, wrong] })
    const answer = await answerTo(formatAddCheckpoint({ oldSize: 0, proof: [], note }), nothing)
    expect(answer.status).toBe(403)
  })

  test("before its size is looked at if it is not signed: strangers do not learn the size", async () => {
    expect(await answerTo(await stranger.request(0, 9), await at(4))).toMatchObject({ status: 403 })
  })
})

test("what cannot be read is no request", async () => {
  const good = await log.request(0, 3)
  for (const bad of ["", good.slice(1), good.slice(0, -1), good.replace("\n\n", "\n")]) {
    expect(() => readSubmission(bad)).toThrow(expect.objectContaining({ kind: expect.anything() }))
  }
  expect(() => readSubmission(good.replace("\n3\n", "\n03\n"))).toThrow("is not a size")
})

const older = (body: string) => body.replace("old 5", "old 6")
const spoiled = (body: string) => body.replace("\n3\n", "\n4\n")
async function withProof(from: number, to: number, proofTo = 9): Promise<string> {
  const proof = await log.proof(Math.max(from, 2), proofTo)
  return formatAddCheckpoint({ oldSize: from, proof, note: await log.note(to) })
}
async function withoutProof(from: number, to: number): Promise<string> {
  return formatAddCheckpoint({ oldSize: from, proof: [], note: await log.note(to) })
}
async function emptyWith(byte: number): Promise<string> {
  const note = await log.note(0, new Uint8Array(32).fill(byte))
  return formatAddCheckpoint({ oldSize: 0, proof: [], note })
}
