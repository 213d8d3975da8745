import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { afterEach, describe, expect, it, vi } from "vitest"
import { type Answering, bounds, type Handler, openAnswering, openAsking } from "./index.ts"

const closing: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function places() {
  const state = mkdtempSync(join(tmpdir(), "postbox-"))
  closing.unshift(() => rmSync(state, { recursive: true }))
  return {
    port: join(state, "port"),
    reader: join(state, "reader"),
    courier: join(state, "courier"),
  }
}

function answer(at: ReturnType<typeof places>, handlers: Record<string, Handler>): unknown[] {
  const failures: unknown[] = []
  const { port, reader } = at
  const options = { own: at.courier, askers: { port, reader }, handlers }
  const answering: Answering = openAnswering({
    ...options,
    failed: (asker, error) => failures.push([asker, error]),
  })
  closing.push(() => answering.close())
  return failures
}

function asking(own: string, answerer: string) {
  const asks = openAsking(own, answerer)
  closing.push(() => asks.close())
  return asks
}

/** A file in the asker's directory, as it would lie there if the asker were hostile. */
function put(own: string, name: string, content: string | Uint8Array): string {
  mkdirSync(join(own, "asks"), { recursive: true })
  const path = join(own, "asks", name)
  writeFileSync(path, content)
  return path
}

const someId = "0123456789abcdef0123456789abcdef"
/** For whoever is answered: each letter is synced to a disk that others use, too. */
const ample = 30_000

describe("postbox", () => {
  it("answers what was asked, tells who asked, and leaves no file", async () => {
    const at = places()
    answer(at, { echo: async (body, asker) => ({ body, asker }) })
    const [port, reader] = [asking(at.port, at.courier), asking(at.reader, at.courier)]
    const answers = await Promise.all([
      port.ask("echo", { n: 1 }, ample),
      port.ask("echo", [2], ample),
      reader.ask("echo", "three", ample),
    ])
    expect(answers).toEqual([
      { body: { n: 1 }, asker: "port" },
      { body: [2], asker: "port" },
      { body: "three", asker: "reader" },
    ])
    expect(readdirSync(join(at.port, "asks"))).toEqual([])
    await vi.waitFor(() => expect(readdirSync(join(at.courier, "answers"))).toEqual([]), 10_000)
  })

  it("hands over a refusal with its code, and says of a fault only that there was one", async () => {
    const at = places()
    const failures = answer(at, {
      refuse: async () => {
        throw new PosternError("RENEWAL_EARLY", "next week")
      },
      fail: async () => {
        throw new Error("secret path /etc/x")
      },
    })
    const asks = asking(at.port, at.courier)
    const refused = { code: "RENEWAL_EARLY", detail: "next week" }
    await expect(asks.ask("refuse", {}, ample)).rejects.toMatchObject(refused)
    const fault = { code: "UNANSWERED", detail: "it failed there" }
    await expect(asks.ask("fail", {}, ample)).rejects.toMatchObject(fault)
    await expect(asks.ask("unknown", {}, ample)).rejects.toMatchObject({ code: "REQUEST_INVALID" })
    await expect(asks.ask("__proto__", {}, ample)).rejects.toMatchObject({
      code: "REQUEST_INVALID",
    })
    expect(failures).toEqual([["port", new Error("secret path /etc/x")]])
  })

  it("ends when nobody answers, and takes the question away", async () => {
    const at = places()
    const asks = asking(at.port, at.courier)
    await expect(asks.ask("echo", {}, 20)).rejects.toMatchObject({ code: "UNANSWERED" })
    expect(readdirSync(join(at.port, "asks"))).toEqual([])
  })

  it("refuses to ask too much at once, and too large", async () => {
    const at = places()
    const asks = asking(at.port, at.courier)
    const many = Array.from({ length: bounds.asksMax }, () => asks.ask("echo", {}, 300))
    const settled = Promise.allSettled(many)
    await expect(asks.ask("echo", {}, 300)).rejects.toMatchObject({ code: "OVERLOADED" })
    const large = asks.ask("echo", "x".repeat(bounds.bytesMax), 300)
    await expect(large).rejects.toMatchObject({ code: "REQUEST_INVALID" })
    for (const one of await settled) expect(one).toMatchObject({ reason: { code: "UNANSWERED" } })
  })

  it("answers an ask once, though it lies there for long", async () => {
    const at = places()
    let calls = 0
    answer(at, {
      count: async () => {
        calls += 1
        return calls
      },
    })
    put(at.port, someId, '{"postern":"ask@v1","kind":"count","body":{}}')
    await vi.waitFor(() => expect(calls).toBe(1), 10_000)
    const asks = asking(at.port, at.courier)
    expect(await asks.ask("count", {}, ample)).toBe(2)
    expect(await asks.ask("count", {}, ample)).toBe(3)
  })

  it("does nothing for what is old, not whole, a link, or no ask by its name", async () => {
    const at = places()
    const asked: unknown[] = []
    answer(at, { echo: async (body) => asked.push(body) })
    const text = '{"postern":"ask@v1","kind":"echo","body":"never"}'
    const old = put(at.port, someId, text)
    const past = Date.now() / 1000 - bounds.ageMaxMs / 1000 - 1
    utimesSync(old, past, past)
    const bad = [
      "",
      text.slice(0, -1),
      text.replace("ask@v1", "ask@v2"),
      text.replace(',"body":"never"', ""),
      text.replace('"kind"', '"more":1,"kind"'),
      text.replace("echo", "ECHO"),
      "null",
      `[${text}]`,
      text.replace("never", "x".repeat(bounds.bytesMax)),
    ]
    for (const [index, each] of bad.entries()) put(at.port, String(index).padStart(32, "a"), each)
    put(at.port, "b".repeat(32), Uint8Array.from([...Buffer.from(text), 0xff]))
    put(at.port, `${someId}.new`, text)
    put(at.port, "readme", text)
    symlinkSync(put(at.port, "elsewhere", text), join(at.port, "asks", "c".repeat(32)))
    mkdirSync(join(at.port, "asks", "d".repeat(32)))
    // Not the side that asked: it would clear up first.
    const asks = asking(at.reader, at.courier)
    await asks.ask("echo", "good", ample)
    await asks.ask("echo", "good", ample)
    expect(asked).toEqual(["good", "good"])
  })

  it.each([
    '{"postern":"answer@v1"}',
    '{"postern":"ask@v1","body":1}',
    '{"postern":"answer@v1","body":1,"refused":{"code":"NOT_FOUND"}}',
    '{"postern":"answer@v1","refused":null}',
    '{"postern":"answer@v1","refused":{"code":"toString"}}',
    "",
  ])("does not take the answer %s", async (text) => {
    const at = places()
    const asks = asking(at.port, at.courier)
    const answered = asks.ask("echo", {}, ample)
    const open = () => readdirSync(join(at.port, "asks")).filter((name) => name.length === 32)
    await vi.waitFor(() => expect(open()).toHaveLength(1), 10_000)
    const [id = ""] = open()
    mkdirSync(join(at.courier, "answers"), { recursive: true })
    writeFileSync(join(at.courier, "answers", id), text)
    await expect(answered).rejects.toMatchObject({ code: "REQUEST_INVALID" })
  })
})
