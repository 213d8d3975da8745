import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { describe, expect, test } from "vitest"
import { pickPorts, reservationOf, type TryBind, tryListening } from "./candidates.ts"
import { quietFacts, rowOf } from "./facts.test.support.ts"
import type { PortFacts } from "./machine.ts"

const free: TryBind = async () => "free"
const pick = async (facts: Partial<PortFacts>, tryBind = free) => {
  const { ports, passedOver } = await pickPorts(quietFacts(facts), ["127.0.0.1", "::1"], tryBind)
  const bad = passedOver.flatMap(({ port, reasons }) =>
    reasons.filter(({ result }) => result === "fail").map(({ check }) => `${port} ${check}`),
  )
  return { numbers: ports.map(({ port }) => port), results: ports.map((one) => one.result), bad }
}

describe("three ports", () => {
  test("are the usual ones where nothing is against them", async () => {
    expect(await pick({})).toEqual({
      ...{ numbers: [17_514, 17_515, 17_516], results: ["ok", "ok", "ok"], bad: [] },
    })
  })

  test.each<[string, Partial<PortFacts>, string[]]>([
    ["listens", { sockets: { known: [rowOf("10.0.0.7", 17_515)] } }, ["17515 taken"]],
    [
      "is the end of a connection",
      { sockets: { known: [rowOf("10.0.0.7", 17_516, { state: "other" })] } },
      ["17516 taken"],
    ],
    [
      "speaks UDP there",
      { sockets: { known: [rowOf("::", 17_514, { protocol: "udp", state: "other" })] } },
      ["17514 taken"],
    ],
    [
      "is redirected",
      { redirects: { known: [{ ports: [[17_516, 17_600]], rule: "r" }] } },
      ["17516 redirected"],
    ],
    [
      "is named here",
      {
        names: new Map([
          [17_515, "mine"],
          [17_516, "postern-ops"],
        ]),
      },
      ["17515 assigned"],
    ],
  ])("are the nearest others where something %s", async (_what, facts, bad) => {
    const picked = await pick(facts)
    expect(picked.bad).toEqual(bad)
    const [first = 0] = picked.numbers
    expect(picked.numbers).toEqual([first, first + 1, first + 2])
    expect(picked.results).toEqual(["ok", "ok", "ok"])
    for (const text of bad) expect(picked.numbers).not.toContain(Number.parseInt(text, 10))
  })

  test("are not those that the kernel gives to outgoing connections, unless it was told not to", async () => {
    const ephemeral = { known: [10_000, 20_000] } as const
    const { numbers, bad } = await pick({ ephemeral })
    expect(bad).toEqual(["17514 ephemeral", "17515 ephemeral", "17516 ephemeral"])
    expect(numbers[0]).toBeGreaterThanOrEqual(20_000)
    const reserved = { known: [[17_000, 18_000]] } as const
    expect((await pick({ ephemeral, reserved })).numbers[0]).toBe(17_514)
  })

  test("are passed over if they cannot be bound, in either family", async () => {
    const taken: TryBind = async (port, address) =>
      port === 17_514 && address === "::1" ? "taken" : "free"
    expect(await pick({}, taken)).toEqual({
      ...{ numbers: [17_515, 17_516, 17_517], results: ["ok", "ok", "ok"], bad: ["17514 bind"] },
    })
  })

  test("are not ok where something could not be found out", async () => {
    const unknown = ["unknown", "unknown", "unknown"]
    expect((await pick({ redirects: { unknown: "not root" } })).results).toEqual(unknown)
    const anyPort = { known: [{ ports: undefined, rule: "r" }] }
    expect((await pick({ redirects: anyPort })).results).toEqual(unknown)
    expect((await pick({ sockets: { unknown: "no" } })).results).toEqual(unknown)
    expect((await pick({ ephemeral: { unknown: "no" } })).results).toEqual(unknown)
    expect((await pick({}, async () => "not here")).results).toEqual(unknown)
  })

  test("may not be had at all", async () => {
    await expect(pick({ ephemeral: { known: [1024, 65_536] } })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
    })
  })
})

const isLinux = process.platform === "linux"
test.runIf(isLinux)(
  "a real port is taken in one family, free in the other, and free again afterwards",
  async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    expect(await tryListening(port, "127.0.0.1")).toBe("taken")
    expect(await tryListening(port, "127.0.0.2")).toBe("free")
    expect(await tryListening(port, "10.255.255.254")).toBe("not here")
    await new Promise((resolve) => server.close(resolve))
    expect(await tryListening(port, "127.0.0.1")).toBe("free")
  },
)

test.each([
  [[], "17514-17516"],
  [[[8080, 8081]], "8080,17514-17516"],
  [
    [
      [9000, 9011],
      [17_000, 17_515],
    ],
    "9000-9010,17000-17516",
  ],
] as const)("the line that reserves them keeps %j", (known, text) => {
  const facts = quietFacts({ reserved: { known } })
  expect(reservationOf([17_514, 17_515, 17_516], facts)).toBe(
    `net.ipv4.ip_local_reserved_ports = ${text}`,
  )
})
