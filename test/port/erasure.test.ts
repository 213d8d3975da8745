import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { signStatement } from "../../packages/server/dist/approval/index.js"
import { adminClient } from "../../packages/server/dist/cli/admin-client.js"
import { dataOf, Entries } from "../support/entries.ts"
import { eventOf } from "../support/events.ts"
import { ask } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"

const policy = `
rules:
  - name: people
    match: { action: "person.*" }
    level: full
    transforms:
      - { at: /data/email, do: personal }
      - { at: /actor/id, do: personal }
  - name: all
    level: full
`

interface Looked {
  readonly subject: string
  readonly values: number
  readonly entries: number
  readonly digest: string
  readonly held: readonly { readonly hold: string; readonly entry: number }[]
  readonly approvals: number
}

let installation: Installation
let app: Identity
let port: PortProcess
let entries: Entries
let admin: ReturnType<typeof adminClient>
let profile: ReturnType<typeof loadProfile>

beforeAll(async () => {
  installation = await Installation.make()
  app = await installation.writer("app")
  writeFileSync(join(installation.directory, "policy.yaml"), policy)
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
  profile = loadProfile(join(installation.directory, "profiles", "operator.yaml"))
  admin = adminClient(profile)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

async function happened(person: string, times = 1): Promise<void> {
  const events = Array.from({ length: times }, () =>
    eventOf({
      action: "person.changed",
      actor: { type: "user", id: person },
      data: { email: `${person}@example.com` },
    }),
  )
  const { json } = await ask(port.write, installation.ca.certificate, app, {
    body: JSON.stringify(events),
  })
  expect(json).toMatchObject({ accepted: times })
}

const nobody = (): void => undefined
const look = async (subject: string): Promise<Looked> =>
  (await admin.errand("erasure/look", { subject }, nobody)) as Looked
const erase = async (subject: string, ground = "GDPR 17(1)(a)", seen?: Looked) => {
  const { values, digest } = seen ?? (await look(subject))
  const asked = { subject, ground, values, digest }
  return (await admin.errand("erasure/run", asked, nobody)) as { began: number; entry: number }
}

describe("a person", () => {
  test("is erased, and the log says what of, by whom and why", async () => {
    await happened("ada-unmistakable", 3)
    const seen = await look("user:ada-unmistakable")
    expect(seen).toMatchObject({ values: 6, entries: 3, held: [], approvals: 0 })
    const { began, entry } = await erase("ada-unmistakable")
    const all = await entries.all()
    const about = { subject: seen.subject, ground: "GDPR 17(1)(a)", operator: profile.id }
    const list = { values: 6, entries: 3, digest: seen.digest, approvers: [] }
    expect(all[began]?.event.action).toBe("postern.erasure.began")
    expect(dataOf(all[began] as never)).toMatchObject({ ...about, ...list })
    expect(all[entry]?.event.action).toBe("postern.erased")
    expect(dataOf(all[entry] as never)).toMatchObject({ ...about, ...list, began })
    const texts = all.map(({ eventBytes }) => Buffer.from(eventBytes).toString())
    expect(texts.filter((text) => text.includes("ada-unmistakable"))).toEqual([])
    await expect(look("ada-unmistakable")).rejects.toMatchObject({ code: "NOT_FOUND" })
  })

  test("that comes back is another one", async () => {
    await happened("eve-unmistakable")
    const { subject } = await admin.pseudonym("eve-unmistakable")
    await erase("eve-unmistakable")
    await happened("eve-unmistakable")
    const now = await admin.pseudonym("eve-unmistakable")
    expect(now.subject).toMatch(/^p1:[\w-]{22}$/)
    expect(now.subject).not.toBe(subject)
    expect(await look("eve-unmistakable")).toMatchObject({ entries: 1 })
  })

  test("takes along what came in since it was looked at, and nothing else is taken for it", async () => {
    await happened("fay-unmistakable", 2)
    const seen = await look("fay-unmistakable")
    await happened("fay-unmistakable")
    const wrong = { ...seen, digest: "0".repeat(64) }
    await expect(erase("fay-unmistakable", "x", wrong)).rejects.toMatchObject({
      code: "ERASURE_CHANGED",
    })
    const { entry } = await erase("fay-unmistakable", "x", seen)
    const told = await entries.find("it", ({ index }) => index === entry)
    expect(dataOf(told)).toMatchObject({ values: 6, entries: 3 })
  })
})

describe("what is in the way", () => {
  test("is a hold on what the person did, by the name that no entry has", async () => {
    await happened("gil-unmistakable")
    const { hold } = await admin.hold({ query: "actor:user/gil-unmistakable", reason: "a case" })
    const { held, subject } = await look("gil-unmistakable")
    expect(held).toMatchObject([{ hold }])
    await expect(erase("gil-unmistakable")).rejects.toMatchObject({
      code: "ERASURE_HELD",
      message: expect.stringContaining(`${hold} (entry ${held[0]?.entry})`),
    })
    await admin.release({ hold, reason: "closed" })
    const pseudonymous = await admin.hold({ query: `actor:"user/${subject}"`, reason: "a case" })
    await expect(erase("gil-unmistakable")).rejects.toMatchObject({ code: "ERASURE_HELD" })
    await admin.release({ hold: pseudonymous.hold, reason: "closed" })
    await erase("gil-unmistakable")
  })

  test("is a hold by who wrote it, too", async () => {
    await happened("hal-unmistakable")
    const { hold } = await admin.hold({ query: `writer:"${app.id}"`, reason: "a case" })
    expect((await look("hal-unmistakable")).held).toMatchObject([{ hold }])
    await admin.release({ hold, reason: "closed" })
  })

  test("is a ground that names the person, or is none", async () => {
    await happened("ida-unmistakable")
    for (const ground of ["Ida-Unmistakable asked", "", " x", "two\nlines", "x".repeat(257)])
      await expect(erase("user:ida-unmistakable", ground)).rejects.toMatchObject({
        code: "REQUEST_INVALID",
      })
  })

  test.each<[string, unknown]>([
    ["missing", undefined],
    ["empty", ""],
    ["no text", 7],
    ["no Unicode", "\ud800"],
    ["too long", "x".repeat(9000)],
  ])("is a person that is %s", async (_what, told) => {
    const asked = look(told as string)
    await expect(asked).rejects.toMatchObject({ code: "REQUEST_INVALID" })
  })

  test("is an approval that is missing, of another person, or of a list that never was", async () => {
    await happened("joe-unmistakable", 2)
    await happened("kim-unmistakable", 2)
    writeFileSync(
      installation.accessFile,
      JSON.stringify({ ...identities(), approvals: { weakening: 1 } }),
    )
    await admin.reload()
    const [joe, kim] = [await look("joe-unmistakable"), await look("kim-unmistakable")]
    expect(joe.approvals).toBe(1)
    approve("kim", kim.subject, kim.digest, 4)
    approve("short", joe.subject, joe.digest, 2)
    await expect(erase("joe-unmistakable")).rejects.toMatchObject({ code: "APPROVAL_MISSING" })
    approve("joe", joe.subject, joe.digest, 4)
    await happened("joe-unmistakable")
    const { began } = await erase("joe-unmistakable")
    const approved = (await entries.all())[began - 1]
    expect(approved?.event.action).toBe("postern.erasure.approved")
    expect(dataOf(approved as never)).toMatchObject({ by: profile.id, subject: joe.subject })
    expect(dataOf((await entries.all())[began] as never)).toMatchObject({ approvers: [profile.id] })
  })
})

function identities(): { identities: object[] } {
  const operator = { id: profile.id, role: "operator" }
  const grant = { sources: ["app://*"], actions: ["*"], adapters: ["http"] }
  return { identities: [operator, { id: app.id, role: "writer", grant }] }
}

function approve(name: string, subject: string, list: string, count: number): void {
  const directory = join(installation.directory, "approvals")
  mkdirSync(directory, { recursive: true })
  const time = `${new Date().toISOString().slice(0, 19)}Z`
  const fields = { subject, list, count: String(count) }
  const { origin } = profile.log
  const statement = signStatement({ kind: "approve-erasure", origin, time, fields }, profile)
  writeFileSync(join(directory, `${name}.approval`), statement)
}
