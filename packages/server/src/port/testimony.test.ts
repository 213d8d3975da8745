import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { encodeUtf8, formatBase64, parseBase64 } from "@postern/log/base"
import {
  type StreamStatement,
  streamStatementText,
  verifyStreamStatement,
} from "@postern/log/evidence"
import { afterEach, describe, expect, test } from "vitest"
import { followLog } from "../disk/index.ts"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { origin } from "./commits.test.support.ts"
import { eventOf, live, peer } from "./lives.test.support.ts"
import type { Stream } from "./sequencer/index.ts"
import type { SessionPeer } from "./session/index.ts"

afterEach(removeDirectories)

const id = "ab".repeat(16)
const segmentBytesMax = 1 << 20

function newWriter(certificate: string, kind: "ed25519" | "p256") {
  const { publicKey, privateKey } =
    kind === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "P-256" })
  const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64")
  const who: SessionPeer = { ...peer, certificate, publicKey: spki }
  return { who, privateKey, publicKey: spki }
}

function signedAt(stream: Stream, kind: "beat" | "close", key: KeyObject, next = stream.next) {
  const statement = { origin, stream: stream.id, kind, next, digest: stream.digest }
  const message = encodeUtf8(streamStatementText(statement))
  const signature =
    key.asymmetricKeyType === "ed25519"
      ? sign(undefined, message, key)
      : sign("sha256", message, { key, dsaEncoding: "ieee-p1363" })
  return { sequence: next, signature: formatBase64(signature) }
}

interface Own {
  readonly action: string
  readonly data: Record<string, unknown>
}

/** The port's own entries in the log, in order. */
async function ownEntries(path: string): Promise<Own[]> {
  const view = await followLog(path)
  const leaves = await view.leaves(0, view.head().size)
  await view.close()
  const events = leaves.map((leaf) => {
    const text = Buffer.from(leaf).toString()
    return JSON.parse(text.slice(text.indexOf("\n") + 1)) as Own
  })
  return events.filter(({ action }) => action.startsWith("postern.stream."))
}

async function holds(entry: Own | undefined, kind: StreamStatement["kind"], publicKey: unknown) {
  const { stream, next, digest, signature } = (entry?.data ?? {}) as Record<string, string>
  const statement = {
    origin,
    stream: stream ?? "",
    kind,
    next: Number(next),
    digest: parseBase64(digest ?? "") as Uint8Array,
  }
  return verifyStreamStatement(statement, String(publicKey), signature ?? "")
}

describe("what a writer signs for its stream", () => {
  test.each(["ed25519", "p256"] as const)(
    "%s: beat and end are entries that anybody can check",
    async (kind) => {
      const path = newDirectory()
      const port = await live(path, segmentBytesMax)
      const { who, privateKey, publicKey } = newWriter("aa", kind)
      const stream = await port.open(id, who)
      await port.send(stream, [eventOf("a"), eventOf("b")])
      expect(await port.beat(stream, signedAt(stream, "beat", privateKey), who)).toBe(true)
      await port.send(stream, [eventOf("c")])
      expect(await port.close(stream, signedAt(stream, "close", privateKey), who)).toBe(true)
      await port.end()
      const [opened, beat, closed, ...rest] = await ownEntries(path)
      expect(rest).toEqual([])
      expect(opened).toMatchObject({ action: "postern.stream.opened", data: { publicKey } })
      expect(beat).toMatchObject({
        action: "postern.stream.beat",
        data: { next: 2, open: stream.open },
      })
      expect(closed).toMatchObject({ data: { next: 3, reason: "writer" } })
      expect(await holds(beat, "beat", opened?.data.publicKey)).toBe(true)
      expect(await holds(closed, "close", opened?.data.publicKey)).toBe(true)
      expect(await holds(closed, "beat", opened?.data.publicKey)).toBe(false)
    },
  )

  test("anything else is refused and enters nothing", async () => {
    const path = newDirectory()
    const port = await live(path, segmentBytesMax)
    const { who, privateKey } = newWriter("aa", "ed25519")
    const stream = await port.open(id, who)
    const early = signedAt(stream, "beat", privateKey)
    await port.send(stream, [eventOf("a")])
    const good = signedAt(stream, "beat", privateKey)
    expect(await port.beat(stream, early, who)).toBe(false)
    expect(await port.beat(stream, { ...early, sequence: 1 }, who)).toBe(false)
    expect(await port.beat(stream, signedAt(stream, "beat", privateKey, 2), who)).toBe(false)
    expect(await port.beat(stream, good, peer)).toBe(false) // Without a key that signs.
    expect(await port.beat(stream, good, newWriter("bb", "ed25519").who)).toBe(false)
    expect(await port.close(stream, good, who)).toBe(false)
    expect(port.streams.find(who.id, id)).toBe(stream)
    expect(await port.beat(stream, good, who)).toBe(true)
    await port.end()
    expect((await ownEntries(path)).map(({ action }) => action)).toEqual([
      "postern.stream.opened",
      "postern.stream.beat",
    ])
  })

  test("a second beat within a second is passed over", async () => {
    const path = newDirectory()
    const port = await live(path, segmentBytesMax)
    const { who, privateKey } = newWriter("aa", "ed25519")
    const stream = await port.open(id, who)
    const sent: Promise<unknown>[] = []
    for (let n = 0; n < 5; n++) {
      // Nobody waits for a disk here, which could take a second for each.
      sent.push(port.send(stream, [eventOf(`e${n}`)]))
      expect(await port.beat(stream, signedAt(stream, "beat", privateKey), who)).toBe(true)
    }
    await Promise.all(sent)
    await port.end()
    const beats = (await ownEntries(path)).filter(({ action }) => action === "postern.stream.beat")
    expect(beats.length).toBeGreaterThanOrEqual(1)
    expect(beats.length).toBeLessThan(5)
  })

  test("another certificate that goes on with the stream is named before its first beat, once in all lives", async () => {
    const path = newDirectory()
    const [old, renewed] = [newWriter("aa", "p256"), newWriter("bb", "p256")]
    const first = await live(path, segmentBytesMax)
    const opened = await first.open(id, old.who)
    await first.send(opened, [eventOf("a")])
    await first.beat(opened, signedAt(opened, "beat", old.privateKey), old.who)
    await first.end()
    for (const name of ["b", "c"]) {
      const port = await live(path, segmentBytesMax)
      const stream = await port.open(id, renewed.who)
      await port.send(stream, [eventOf(name)])
      expect(
        await port.beat(stream, signedAt(stream, "beat", renewed.privateKey), renewed.who),
      ).toBe(true)
      await port.end()
    }
    const entries = await ownEntries(path)
    expect(entries.map(({ action }) => action.slice("postern.stream.".length))).toEqual([
      ...["opened", "beat", "continued", "beat", "beat"],
    ])
    expect(entries[2]?.data).toMatchObject({
      ...{ open: opened.open, certificate: "bb", publicKey: renewed.publicKey },
    })
    expect(await holds(entries[3], "beat", renewed.publicKey)).toBe(true)
  })

  test("an end that comes while another session takes the stream ends nothing", async () => {
    const path = newDirectory()
    const port = await live(path, segmentBytesMax)
    const { who, privateKey } = newWriter("aa", "ed25519")
    const stream = await port.open(id, who)
    await port.send(stream, [eventOf("a")])
    const ending = port.close(stream, signedAt(stream, "close", privateKey), who)
    const taken = port.open(id, who)
    expect(await ending).toBe(false)
    expect(await taken).toBe(stream)
    await port.send(stream, [eventOf("b")])
    await port.end()
    expect((await ownEntries(path)).map(({ action }) => action)).toEqual(["postern.stream.opened"])
  })
})
