import { PosternError } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { dataDirectories, parseConfig } from "./index.ts"

const good = `origin: postern.example/audit
listen:
  write: ["10.0.0.5:17514", "[::1]:17514"]
  read: ["127.0.0.1:17515"]
  ops: ["127.0.0.1:17516"]
data: data
access: access.yaml
pki:
  ca: pki/ca.crt
  certificate: pki/server.crt
  key: /keys/server.key
  logKey: pki/log.key
  receiptKey: pki/receipt.key
  reader: { certificate: pki/reader.crt, key: pki/reader.key }
`
const file = "/etc/postern/postern.yaml"

function refusal(text: string): string {
  try {
    parseConfig(text, file)
  } catch (error) {
    expect(error).toBeInstanceOf(PosternError)
    expect((error as PosternError).code).toBe("CONFIG_INVALID")
    return (error as PosternError).detail ?? ""
  }
  throw new Error("it was taken")
}

describe("postern.yaml", () => {
  test("encryption is of segments, or not there", () => {
    expect(parseConfig(good, file)).not.toHaveProperty("encryption")
    expect(parseConfig(`${good}encryption: segments\n`, file).encryption).toBe("segments")
    for (const other of ["all", "true", "off", "[segments]", ""]) {
      expect(refusal(`${good}encryption: ${other}\n`)).toContain("encryption")
    }
  })

  test("paths become absolute, from the file's directory, and addresses are taken apart", () => {
    const config = parseConfig(good, file)
    expect(config.file).toBe(file)
    expect(config.data).toBe("/etc/postern/data")
    expect(config.pki.key).toBe("/keys/server.key")
    expect(config.pki.reader.key).toBe("/etc/postern/pki/reader.key")
    expect(config.pki.caKey).toBeUndefined()
    expect(config.listen.write).toEqual([
      { host: "10.0.0.5", port: 17514 },
      { host: "::1", port: 17514 },
    ])
    expect(dataDirectories(config).adminSocket).toBe("/etc/postern/data/state/port/admin.sock")
  })

  test("witnesses need a courier who asks them", () => {
    const courier = "  courier: { certificate: pki/c.crt, key: pki/c.key }\n"
    const asked = `${good}${courier}witnesses: w.policy\n`
    expect(parseConfig(asked, file).witnesses).toBe("/etc/postern/w.policy")
    expect(parseConfig(asked, file).pki.courier?.key).toBe("/etc/postern/pki/c.key")
    expect(parseConfig(good, file).witnesses).toBeUndefined()
    expect(refusal(`${good}witnesses: w.policy\n`)).toContain("witnesses: pki.courier is missing")
  })

  test("allows what is exposed by name only", () => {
    expect(parseConfig(good, file).listen.allow).toEqual([])
    const allow = (list: string) => good.replace("listen:\n", `listen:\n  allow: ${list}\n`)
    expect(parseConfig(allow("[public]"), file).listen.allow).toEqual(["public"])
    expect(refusal(allow("[everything]"))).toContain("line 3: listen.allow")
  })

  test("speaks syslog only where it is told to, and at an address of its own", () => {
    expect(parseConfig(good, file).listen.syslog).toBeUndefined()
    const syslog = (list: string) => good.replace("listen:\n", `listen:\n  syslog: ${list}\n`)
    expect(parseConfig(syslog('["10.0.0.5:6514"]'), file).listen.syslog).toEqual([
      { host: "10.0.0.5", port: 6514 },
    ])
    expect(refusal(syslog("[]"))).toContain("line 3: listen.syslog")
    expect(refusal(syslog('["10.0.0.5:17514"]'))).toContain("listen.syslog[0]: 10.0.0.5:17514")
  })

  test("without listen it is loopback", () => {
    const config = parseConfig(good.replace(/listen:\n(?: {2}.*\n){3}/, ""), file)
    expect(config.listen.write).toEqual([{ host: "127.0.0.1", port: 17514 }])
    expect(config.listen.ops).toEqual([{ host: "127.0.0.1", port: 17516 }])
  })

  const replacements: readonly (readonly [string, string, string])[] = [
    ["origin: postern.example/audit", "origin: two words", "line 1: origin: must be a name"],
    ["origin: postern.example/audit", "origin: a+b", "line 1: origin: must be a name"],
    ["origin: postern.example/audit", "origin: 17", "line 1: origin: must be text"],
    ["origin: postern.example/audit\n", "", "line 1: origin: is missing"],
    ["data: data", "dta: data", "line 6: dta: unknown key"],
    ["data: data", "data: data\nextra: 1", "line 7: extra: unknown key"],
    ["data: data", "data: ''", "line 6: data: must name a path"],
    ["data: data", 'data: "a\\0b"', "line 6: data: must not hold a NUL"],
    ["data: data", "data: [a]", "line 6: data: must be text"],
    ["data: data", "data: data\ndata: other", "line 7: Map keys must be unique"],
    ["data: data", `data: ${"d/".repeat(60)}x`, "line 6: data: "],
    ["access: access.yaml", "access: *a", "line 7: aliases"],
    ["access: access.yaml", "access: !!js/function x", "line 7: "],
    ["access: access.yaml", "access: !mine x", "line 7: "],
    ["data: data\naccess: access.yaml", "data: &x data\naccess: *x", "line 7: aliases"],
    ['"127.0.0.1:17515"', "", "line 4: listen.read: must name at least one address"],
    ['"127.0.0.1:17515"', '"127.0.0.1"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', '"127.0.0.1:65536"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', '"127.0.0.1:017"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', '"::1:17515"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', '"[::g]:17515"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', '"127.0.0.999:1"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', '"-x:1"', "line 4: listen.read[0]: must be ADDRESS:PORT"],
    ['"127.0.0.1:17515"', "17515", "line 4: listen.read[0]: must be text"],
    [
      '"127.0.0.1:17515"',
      '"10.0.0.5:17514"',
      "line 4: listen.read[0]: 10.0.0.5:17514 is named twice",
    ],
    ['  ops: ["127.0.0.1:17516"]\n', "", "listen.ops: is missing"],
    ["  receiptKey: pki/receipt.key\n", "", "line 9: pki.receiptKey: is missing"],
    ["key: pki/reader.key }", "keys: pki/reader.key }", "line 14: pki.reader.key"],
    ["origin: postern.example/audit", "origin: [", "line "],
    ["origin: postern.example/audit", "--- {}\n---\norigin: x", "line "],
    [
      "origin: postern.example/audit",
      "__proto__: {a: 1}\norigin: x",
      "line 1: __proto__: unknown key",
    ],
    [
      "origin: postern.example/audit",
      "constructor: x\norigin: x",
      "line 1: constructor: unknown key",
    ],
    ["origin: postern.example/audit", "\torigin: x", "line 1: "],
    ["data: data", "<<: {data: data}", "line 6: <<: unknown key"],
  ]

  test.each(replacements)("with %j made %j it is refused: %s", (from, to, message) => {
    expect(good).toContain(from)
    const detail = refusal(good.replace(from, to))
    expect(detail).toContain(`${file} line `)
    expect(detail).toContain(message)
    expect(detail).not.toContain("\n")
  })

  test.each([
    ["nothing", ""],
    ["a comment", "# hello\n"],
    ["a list", "- 1\n"],
    ["a word", "postern"],
    ["a number", "1"],
    ["deep nesting", "[".repeat(30_000)],
    ["deep and whole nesting", "[".repeat(1_500) + "]".repeat(1_500)],
    ["very deep and whole nesting", "[".repeat(15_000) + "]".repeat(15_000)],
    ["too much", `# ${"x".repeat(70_000)}`],
    ["NUL bytes", "\0\0\0"],
  ])("%s is refused", (_name, text) => {
    expect(refusal(text)).toContain("line 1: ")
  })
})
