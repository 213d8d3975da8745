import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import { formatVkey, formatWitnessVkey } from "@postern/log/tlog"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { parse as parseYaml } from "yaml"
import { formatProfile, loadProfile, type Profile, parseProfile } from "./profile.ts"

const block = (label: string) => `-----BEGIN ${label}-----\nTUlJ\nQmFy\n-----END ${label}-----\n`

const writer: Profile = {
  role: "writer",
  id: "spiffe://postern.local/writer/app",
  server: "spiffe://postern.local/server",
  address: "127.0.0.1:17514",
  source: "app://app",
  spool: "../data/state/writers/app/spool",
  log: { origin: "postern.local/audit", vkey: "postern.local/audit+0011aabb+AQID/+==" },
  ca: block("CERTIFICATE"),
  certificate: block("CERTIFICATE"),
  key: block("PRIVATE KEY"),
}

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (isPosternError(error)) return `${error.code}: ${error.detail}`
    throw error
  }
  return "accepted"
}

describe("profile text", () => {
  it("comes back as it was written, for each role", () => {
    const { source: _source, spool: _spool, ...rest } = writer
    const reader: Profile = { ...rest, role: "reader", address: "[::1]:17515" }
    const operator: Profile = {
      ...rest,
      role: "operator",
      address: "../data/state/port/admin.sock",
    }
    for (const profile of [writer, reader, operator]) {
      expect(parseProfile(formatProfile(profile))).toEqual(profile)
    }
  })

  it("means the same to a YAML library", () => {
    const yaml = parseYaml(formatProfile(writer))
    expect(yaml).toEqual({ postern: "profile@v1", ...writer })
  })

  describe("with a trust policy", () => {
    const origin = "postern.local/audit"
    const vkey = formatVkey(origin, new Uint8Array(32).fill(1))
    const one = formatWitnessVkey("witness.test/one", new Uint8Array(32).fill(2))
    const log = { origin, vkey }
    const policy = `# Who looks on\nlog ${vkey}\n\nwitness one ${one}\nquorum one\n`

    it("comes back as it was written, and means the same to a YAML library", () => {
      const text = formatProfile({ ...writer, log, policy })
      expect(parseProfile(text)).toEqual({ ...writer, log, policy })
      expect(parseYaml(text).policy).toBe(policy)
    })

    it.each([
      [
        "of another log",
        `log ${formatVkey("other/log", new Uint8Array(32))}\nquorum none\n`,
        /another log/,
      ],
      ["that names no log", "quorum none\n", /another log/],
      ["that is none", "quorum\n", /policy: line 1/],
    ])("refuses one %s", (_, bad, why) => {
      expect(refusal(() => formatProfile({ ...writer, log, policy: bad }))).toMatch(why)
    })
  })

  it("holds any address, source, spool and origin", () => {
    const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(word, word, word, word, (address, source, spool, origin) => {
        const log = { origin, vkey: `${origin}+00+AA==` }
        const profile: Profile = { ...writer, address, source, spool, log }
        const text = formatProfile(profile)
        expect(parseProfile(text)).toEqual(profile)
        expect(parseYaml(text)).toEqual({ postern: "profile@v1", ...profile })
      }),
      { numRuns: 200, examples: [["\u2028", "\u2029", "\u0085", "\u00a0"]] },
    )
  })

  it("may hold comments and blank lines, and a value without quotes", () => {
    const text = formatProfile(writer).replace(
      /spool: .*/,
      "\n# where events wait\nspool: ../elsewhere",
    )
    expect(parseProfile(text).spool).toBe("../elsewhere")
  })

  const broken: [string, (text: string) => string, RegExp][] = [
    ["no version", (t) => t.replace("postern: profile@v1\n", ""), /postern: profile@v1/],
    ["another version", (t) => t.replace("profile@v1", "profile@v2"), /postern: profile@v1/],
    ["an unknown key", (t) => `${t}colour: red\n`, /line \d+/],
    ["a key twice", (t) => `${t}role: writer\n`, /line \d+/],
    ["a role we do not know", (t) => t.replace("role: writer", "role: king"), /role must be/],
    ["no source", (t) => t.replace(/source: .*\n/, ""), /source is missing/],
    ["a source for a reader", (t) => t.replace("role: writer", "role: reader"), /for writers/],
    ["a SPIFFE ID with dots", (t) => t.replace("/writer/app", "/writer/../app"), /SPIFFE/],
    ["a SPIFFE ID in capitals", (t) => t.replace("spiffe://postern", "spiffe://Postern"), /SPIFFE/],
    ["another log's key", (t) => t.replace('vkey: "postern', 'vkey: "pastern'), /log\.vkey/],
    ["a YAML list", (t) => t.replace("address: ", "address: - "), /line \d+/],
    ["a YAML anchor", (t) => t.replace("source: ", "source: &a "), /line \d+/],
    ["a comment behind a value", (t) => t.replace("role: writer", "role: writer # me"), /line \d+/],
    ["an indented top-level key", (t) => t.replace("role:", "  role:"), /line \d+/],
    ["a cut key block", (t) => t.slice(0, t.lastIndexOf("-----END")), /key is not a PEM/],
    ["a certificate as key", (t) => t.replaceAll("PRIVATE KEY", "CERTIFICATE"), /key is not a PEM/],
    ["nothing", () => "", /profile@v1/],
  ]
  it.each(broken)("is refused with %s", (_name, spoil, detail) => {
    const text = spoil(formatProfile(writer))
    expect(text).not.toBe(formatProfile(writer))
    expect(refusal(() => parseProfile(text))).toMatch(/^PROFILE_INVALID/)
    expect(refusal(() => parseProfile(text))).toMatch(detail)
  })
})

describe("profile file", () => {
  let directory = ""
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "postern-profile-"))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const write = (profile: Profile, mode: number) => {
    const path = join(directory, "p.yaml")
    writeFileSync(path, formatProfile(profile))
    chmodSync(path, mode)
    return path
  }

  it("has its spool resolved against its own directory", () => {
    const profile = loadProfile(write({ ...writer, spool: "spool/app" }, 0o600))
    expect(profile.spool).toBe(join(directory, "spool/app"))
  })

  it("is named by POSTERN_PROFILE when no path is given", () => {
    const before = process.env.POSTERN_PROFILE
    try {
      process.env.POSTERN_PROFILE = write(writer, 0o600)
      expect(loadProfile().id).toBe(writer.id)
      delete process.env.POSTERN_PROFILE
      expect(refusal(() => loadProfile())).toMatch(/POSTERN_PROFILE/)
    } finally {
      if (before === undefined) delete process.env.POSTERN_PROFILE
      else process.env.POSTERN_PROFILE = before
    }
  })

  it.skipIf(process.platform === "win32")("is refused when others may open it", () => {
    for (const mode of [0o640, 0o604, 0o660, 0o644]) {
      expect(refusal(() => loadProfile(write(writer, mode)))).toMatch(/^PROFILE_INVALID.*chmod 600/)
    }
    expect(loadProfile(write(writer, 0o400)).role).toBe("writer")
  })

  it("is refused when it is not there or not a file", () => {
    expect(refusal(() => loadProfile(join(directory, "none")))).toMatch(/cannot be opened/)
    expect(refusal(() => loadProfile(directory))).toMatch(/^PROFILE_INVALID/)
  })
})
