import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { runHere } from "./live-port.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-convert-"))
afterAll(() => rmSync(base, { recursive: true }))

const convert = (input: string, ...more: string[]) => runHere(["convert", ...more], input)
const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("postern convert", () => {
  test("recognises what it is given, and says so", async () => {
    const record = "type=USER_LOGIN msg=audit(1.5:9): auid=1000 msg='op=login res=failed'"
    const ran = await convert(`${record}\r\n\n${record}\nodd\n`)
    expect([ran.status, ran.stderr]).toEqual([
      0,
      "postern: 3 records, recognised as auditd, became 3 events, 1 unreadable\n",
    ])
    const [first, , odd] = lines(ran.stdout)
    expect(first).toMatchObject({
      action: "linux.user_login",
      source: "stdin",
      data: { line: record },
    })
    expect(odd).toMatchObject({ action: "auditd.unreadable", data: { line: "odd" } })
  })

  test("joins what is still open at the end", async () => {
    const ran = await convert(
      '[7] LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,"a\n',
      "--format",
      "pgaudit",
    )
    expect(ran.stderr).toBe("postern: 1 records, read as pgaudit, became 1 events\n")
  })

  test("takes a whole document, and each record keeps its bytes on one line", async () => {
    const one = '{"eventSource":"s3.amazonaws.com",\n  "eventName":"DeleteBucket"}'
    for (const document of [`{"Records": [\n${one},\n${one}]}\n`, `[\n${one},\n${one}\n]`, one]) {
      const ran = await convert(document)
      const events = lines(ran.stdout)
      expect(events).toHaveLength(document === one ? 1 : 2)
      for (const event of events) {
        expect(event).toMatchObject({ action: "aws.s3.deletebucket" })
      }
      expect(ran.stdout).toContain(`"cloudtrail":${one.replace("\n", " ")}}}\n`)
      expect(ran.stderr).toContain("recognised as cloudtrail")
    }
  })

  test("reads lines where the first one is JSON cut short", async () => {
    const ran = await convert('{"a":\n{"b":1}\n')
    expect(ran.stderr).toBe(
      "postern: 2 records, recognised as json, became 2 events, 1 unreadable\n",
    )
  })

  test("uses a mapping file, and names its faults", async () => {
    const file = join(base, "shop.yaml")
    writeFileSync(file, "name: shop\naction: /event\n")
    const ran = await convert('{"event":"x"}\n', "--mapping", file, "--source", "app://shop")
    expect(lines(ran.stdout)[0]).toMatchObject({ action: "shop.x", source: "app://shop" })
    writeFileSync(file, "name: shop\naction: event\n")
    const refused = await convert("", "--mapping", file)
    expect([refused.status, refused.stderr]).toEqual([
      78,
      expect.stringContaining("shop.yaml line 2"),
    ])
  })

  test("refuses what nobody could mean", async () => {
    expect((await convert("", "--format", "vautl")).stderr).toContain("did you mean vault?")
    expect((await convert("", "--source", 'a"b')).stderr).toContain("--source must have")
    expect((await convert("", "--format", "line", "--mapping", "x")).stderr).toContain("either")
  })
})

test("postern formats lists them all", async () => {
  const shown = await runHere(["formats"])
  expect(shown.stdout).toMatch(/^NAME +OF +WHAT +RECOGNISED BY\n/)
  const { formats } = JSON.parse((await runHere(["formats", "--json"])).stdout)
  const names = formats.map(({ name }: { name: string }) => name)
  for (const name of ["syslog", "auditd", "pgaudit", "json", "line"]) {
    expect(names).toContain(name)
    expect(shown.stdout).toContain(`\n${name} `)
  }
})
