import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { rooms } from "./floors.ts"
import {
  type Arrow,
  arrowsOf,
  circleOf,
  forbidden,
  importFaults,
  importsOf,
  purityFaults,
} from "./imports.ts"
import { purityExceptions } from "./purity-exceptions.ts"
import { floorOf, roomAt } from "./room-of.ts"
import { house, isTest, listFiles, readSource } from "./source.ts"

const sources = ["log", "client", "server"]
  .flatMap((name) => listFiles(`packages/${name}/src`))
  .filter((path) => path.endsWith(".ts") && !path.includes("/core/assembly/"))

describe("the table", () => {
  test("has no circle and names only rooms it holds", () => {
    for (const room of rooms) expect(floorOf(room.name)).toBeGreaterThanOrEqual(0)
    const circle = [
      { name: "a", uses: ["b"] },
      { name: "b", uses: ["a"] },
    ]
    expect(() => floorOf("a", circle)).toThrow("circle of rooms: a -> b -> a")
    expect(() => floorOf("a", [{ name: "a", uses: ["c"] }])).toThrow("a uses c, which is not")
  })

  test("names each room once", () => {
    expect(new Set(rooms.map((room) => room.name)).size).toBe(rooms.length)
  })

  test("keeps the wings apart", () => {
    const arrows = rooms.flatMap((room) => {
      const used = [...room.uses, ...(room.testsUse ?? [])]
      return used.map((to): Arrow => ({ from: room.name, to }))
    })
    expect(forbidden(arrows)).toEqual([])
    const [bad] = [{ from: "server/reader/api", to: "server/port/session" }]
    expect(forbidden([bad as Arrow])).toEqual([bad])
  })

  test("borrows only for pure rooms, and only what is still imported", () => {
    for (const room of rooms.filter((candidate) => candidate.borrows !== undefined)) {
      expect(room.pure, room.name).toBe(true)
      const own = sources.filter((path) => roomAt(path) === room)
      const taken = own.flatMap((path) =>
        importsOf(readSource(path)).flatMap(({ values }) => values),
      )
      expect(room.borrows?.filter((name) => !taken.includes(name))).toEqual([])
    }
  })

  test("excepts only files that exist from purity", () => {
    const gone = purityExceptions.filter((exception) => !existsSync(join(house, exception.path)))
    expect(gone).toEqual([])
  })
})

describe("the house", () => {
  test("has no import that the table forbids", () => {
    expect(sources.flatMap((path) => importFaults(path, readSource(path)))).toEqual([])
  })

  test("has no clock, chance, process or timer in a pure room", () => {
    expect(sources.flatMap((path) => purityFaults(path, readSource(path)))).toEqual([])
  })

  test("has no circle of rooms", () => {
    const ours = sources.filter((path) => !isTest(path))
    const arrows = ours.flatMap((path) => arrowsOf(path, readSource(path)))
    expect(arrows.length).toBeGreaterThan(0)
    expect(circleOf(arrows)).toBeUndefined()
  })
})

describe("the scanner", () => {
  test("finds imports of every form and none in comments or strings", () => {
    const text = [
      'import { a } from "./a.ts"',
      'import type { B } from "@postern/log/base"',
      'export { type C, d } from "./d.ts"',
      'export * from "./e.ts"',
      'import "./f.ts"',
      'import {\n  g,\n} from "./g.ts"',
      'const h = await import("node:fs")',
      '// import { x } from "./x.ts"',
      "const s = 'import { y } from \"./y.ts\"'",
      'export const from = "./z.ts"',
      'export function from2() { return "./z.ts" }',
    ].join("\n")
    expect(importsOf(text).map((found) => [found.line, found.specifier, ...found.values])).toEqual([
      [1, "./a.ts", "a"],
      [2, "@postern/log/base"],
      [3, "./d.ts", "d"],
      [4, "./e.ts", "*"],
      [5, "./f.ts", "*"],
      [8, "./g.ts", "g"],
      [9, "node:fs", "*"],
    ])
  })

  const faults: [string, string, string][] = [
    ["log/src/base/a.ts", "../event/index.ts", "room log/base may not import room log/event"],
    ["log/src/query/a.ts", "../event/parse.ts", "room log/event is imported through its index.ts"],
    ["log/src/tlog/a.ts", "node:crypto", "room log/tlog is pure and may not import node:crypto"],
    ["log/src/tlog/a.ts", "zod", "room log/tlog may not import the package zod"],
    [
      "server/src/disk/a.ts",
      "../port/index.ts",
      "room server/disk may not import room server/port",
    ],
    ["server/src/disk/a.ts", "@postern/client", "room server/disk may not import room client"],
    ["server/src/guard/setup/a.ts", "../pki/b.fixture.ts", "imported through its index.ts only"],
    ["server/src/disk/a.ts", "@postern/log/tlog/tile", "leads to no room"],
    [
      "server/src/reader/a.ts",
      "../port/index.ts",
      "room server/reader may not import room server/port",
    ],
    [
      "server/src/guard/pki/a.ts",
      "../../port/signer/index.ts",
      "may not import room server/port/signer",
    ],
    ["server/src/port/session/a.ts", "node:timers", "is pure and may not import node:timers"],
    ["server/src/access/a.ts", "../config/index.ts", "may not import x of room server/config"],
    ["server/src/port/b/a.ts", "./c.ts", "this folder is no room"],
    ["server/src/cellar/a.ts", "./c.ts", "this folder is no room"],
    ["client/src/cellar.ts", "./c.ts", "this folder is no room"],
  ]
  test.each(faults)("packages/%s may not import %s", (path, specifier, expected) => {
    const found = importFaults(`packages/${path}`, `import { x } from "${specifier}"`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`packages/${path}:1: `)
    expect(found[0]).toContain(expected)
  })

  const fine: [string, string][] = [
    ["log/src/base/a.ts", "./b.ts"],
    ["log/src/base/index.ts", "#sha256"],
    ["log/src/base/sha256.node.ts", "node:crypto"],
    ["log/src/tlog/a.ts", "../base/index.ts"],
    ["log/src/tlog/a.test.ts", "fast-check"],
    ["log/src/tlog/a.test.ts", "node:fs"],
    ["client/src/writer/a.ts", "../profile.ts"],
    ["server/src/disk/a.ts", "@postern/log/tlog"],
    ["server/src/disk/a.ts", "node:fs"],
    ["server/src/port/serve.ts", "./session/index.ts"],
    ["server/src/disk/a.test.ts", "./b.test.support.ts"],
    ["server/src/guard/setup/a.test.ts", "../pki/b.fixture.ts"],
    ["server/src/cli/a.ts", "@postern/client"],
  ]
  test.each(fine)("packages/%s may import %s", (path, specifier) => {
    expect(importFaults(`packages/${path}`, `import { x } from "${specifier}"`)).toEqual([])
  })

  const impure = [
    "const now = Date.now()",
    "const now = new Date()",
    "const x = Math.random()",
    "if (process.env.X) f()",
    "setTimeout(f, 1)",
    "const t = performance.now()",
    "const r = randomBytes(16)",
    'const r = await fetch("x")',
  ]
  test.each(impure)("a pure room may not say %s", (line) => {
    const found = purityFaults("packages/log/src/tlog/a.ts", `// one\n${line}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain("packages/log/src/tlog/a.ts:2: room log/tlog is pure and ")
    expect(purityFaults("packages/log/src/tlog/a.test.ts", line)).toEqual([])
    expect(purityFaults("packages/server/src/disk/a.ts", line)).toEqual([])
  })

  const pure = ["new Date(ms).toISOString()", "world.process()", "// Date.now()", '"Math.random"']
  test.each(pure)("a pure room may say %s", (line) => {
    expect(purityFaults("packages/log/src/tlog/a.ts", line)).toEqual([])
  })

  test("finds a circle of rooms", () => {
    const arrows = ["a b", "b c", "c b"].map((pair) => {
      const [from, to] = pair.split(" ") as [string, string]
      return { from, to }
    })
    expect(circleOf(arrows)).toEqual(["b", "c", "b"])
    expect(circleOf(arrows.slice(0, 2))).toBeUndefined()
  })

  test("knows the room of a path", () => {
    expect(roomAt("packages/server/src/port/session/step.ts")?.name).toBe("server/port/session")
    expect(roomAt("packages/server/src/port/serve.ts")?.name).toBe("server/port")
    expect(roomAt("packages/log/src/core/assembly/scan.ts")?.name).toBe("log/core")
    expect(roomAt("packages/client/src/profile.test.ts")?.name).toBe("client/profile")
    expect(roomAt("packages/client/src/index.ts")?.name).toBe("client")
    expect(roomAt("tools/floors.ts")).toBeUndefined()
  })
})
