import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parsePolicy, quorumMet } from "./index.ts"
import { signerOf, witnessOf } from "./signer.test.support.ts"

const log = signerOf("a.example/log", 1).vkey
const key = (i: number) => witnessOf(`w.example/${i}`, i).vkey
const witnesses = (n: number) =>
  Array.from({ length: n }, (_, i) => `witness w${i} ${key(i)}\n`).join("")
const refused = (detail: string) =>
  expect.objectContaining({ code: "POLICY_INVALID", detail: expect.stringContaining(detail) })

describe("a trust policy", () => {
  test("is read with its logs, witnesses, groups and quorum", () => {
    const policy = parsePolicy(
      `# who is believed\nlog ${log} https://log.example/\n\n \twitness\tW ${key(0)}  \n` +
        `witness ü ${key(1)} http://127.0.0.1:1/x\n  # none yet\ngroup both 2 W ü\nquorum both\n`,
    )
    expect(policy.logs).toEqual([{ vkey: log, url: "https://log.example/" }])
    expect(policy.witnesses.map(({ name, url }) => [name, url])).toEqual([
      ["W", undefined],
      ["ü", "http://127.0.0.1:1/x"],
    ])
    expect(policy.groups).toEqual([{ name: "both", threshold: 2, members: ["W", "ü"] }])
    expect(policy.quorum).toBe("both")
  })

  test("without a log, a witness or a quorum to meet is one", () => {
    expect(parsePolicy("quorum none\n")).toEqual({
      logs: [],
      witnesses: [],
      groups: [],
      quorum: undefined,
    })
  })

  test("may have a hundred of each", () => {
    const logs = Array.from({ length: 100 }, (_, i) => `log ${signerOf("l", i).vkey}\n`).join("")
    const groups = Array.from({ length: 100 }, (_, i) => `group g${i} any w${i}\n`).join("")
    const policy = parsePolicy(`${logs}${witnesses(100)}${groups}quorum g99\n`)
    expect([policy.logs, policy.witnesses, policy.groups].map((each) => each.length)).toEqual([
      100, 100, 100,
    ])
  })

  test.each([
    ["", "no quorum"],
    ["quorum none", "no line feed"],
    ["\n", "no quorum"],
    ["quorum none\r\n", "control character"],
    ["quorum none\u007f\n", "control character"],
    ["quorum none\nquorum none\n", "line 2: a second quorum"],
    ["quorum\n", "not quorum"],
    ["quorum none none\n", "not quorum"],
    ["Quorum none\n", '"Quorum" begins no line'],
    ["\ufeffquorum none\n", "begins no line"],
    ["__proto__ x\nquorum none\n", "begins no line"],
    ["toString x\nquorum none\n", "begins no line"],
    ["quorum\u00a0none\n", "begins no line"],
    ["quorum w0\n", "is not defined before"],
    [`quorum w0\n${witnesses(1)}`, "is not defined before"],
    ["log\nquorum none\n", "not log"],
    ["log x\nquorum none\n", 'line 1: "x" is not a verifier key'],
    [`log ${key(0)}\nquorum none\n`, "is not an Ed25519 key (type 1)"],
    [`log ${log} a b\nquorum none\n`, "not log"],
    [`log ${log}\nlog ${signerOf("other", 1).vkey}\nquorum none\n`, "line 2: a public key"],
    [`witness w ${log}\nquorum none\n`, "is not the key of a witness"],
    ["witness w\nquorum none\n", "not witness"],
    [`witness w ${key(0)} u v\nquorum none\n`, "not witness"],
    [`witness none ${key(0)}\nquorum none\n`, "the name none"],
    [`witness w ${key(0)}\nwitness w ${key(1)}\nquorum none\n`, "defined twice"],
    [`witness a ${key(0)}\nwitness b ${witnessOf("x", 0).vkey}\nquorum a\n`, "a public key"],
    [`${witnesses(1)}group w0 any w0\nquorum w0\n`, "defined twice"],
    [`${witnesses(1)}group g any\nquorum g\n`, "not group"],
    [`${witnesses(1)}group g 0 w0\nquorum g\n`, "is not all, any or 1 to 1"],
    [`${witnesses(1)}group g 2 w0\nquorum g\n`, "is not all, any or 1 to 1"],
    [`${witnesses(1)}group g 01 w0\nquorum g\n`, "is not all, any or 1 to 1"],
    [`${witnesses(1)}group g +1 w0\nquorum g\n`, "is not all, any or 1 to 1"],
    [`${witnesses(1)}group g any g\nquorum g\n`, '"g" is not defined before'],
    [`${witnesses(1)}group g any none\nquorum g\n`, '"none" is not defined before'],
    [`${witnesses(1)}group g any w0 w0\nquorum g\n`, "is a member already"],
    [`${witnesses(2)}group g any w0\ngroup h any w0 w1\nquorum h\n`, "is a member already"],
    [`${witnesses(101)}quorum w0\n`, "over 100 witnesses"],
  ])("is refused: %j", (text, detail) => {
    expect(() => parsePolicy(text)).toThrow(refused(detail))
  })
})

describe("a quorum", () => {
  const twoLevels = parsePolicy(
    `${witnesses(6)}group x 2 w0 w1 w2\ngroup y any w3 w4 w5\ngroup both all x y\nquorum both\n`,
  )

  test("of two levels is met exactly by the sets of witnesses that the rule says", () => {
    for (let set = 0; set < 64; set++) {
      const cosigned = [0, 1, 2, 3, 4, 5]
        .filter((i) => Math.floor(set / 2 ** i) % 2 === 1)
        .map((i) => `w${i}`)
      const inX = cosigned.filter((name) => name < "w3").length
      expect(quorumMet(twoLevels, cosigned)).toBe(inX >= 2 && cosigned.length > inX)
    }
  })

  test("is not met by the names of groups, or of nobody", () => {
    expect(quorumMet(twoLevels, ["x", "y", "both", "w9"])).toBe(false)
  })

  test("none is met by nobody", () => {
    expect(quorumMet(parsePolicy("quorum none\n"), [])).toBe(true)
  })

  test("that is met stays met when one more witness cosigns", () => {
    const names = fc.subarray(["w0", "w1", "w2", "w3", "w4", "w5"])
    fc.assert(
      fc.property(names, names, (some, more) => {
        if (quorumMet(twoLevels, some)) expect(quorumMet(twoLevels, [...some, ...more])).toBe(true)
      }),
    )
  })
})
