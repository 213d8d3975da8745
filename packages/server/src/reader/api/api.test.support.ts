import { PosternError } from "@postern/log/base"
import { parseQuery } from "@postern/log/query"
import { expect } from "vitest"
import type { Peer } from "../../acceptor/index.ts"
import type { ReaderGrant } from "../../access/index.ts"
import type { DisclosureSource } from "../../disclosures/index.ts"
import type { BatchSlots } from "../../evidence/index.ts"
import { FakeLog } from "./fake-log.test.support.ts"
import { houseOf } from "./house.test.support.ts"
import {
  type ConsoleFiles,
  createReadApi,
  type HouseView,
  type MirrorState,
  type RawSlots,
  type Read,
  type ReadLimits,
  readLimits,
} from "./index.ts"
import { naiveIndex } from "./naive-index.test.support.ts"
import { problemSchema } from "./schema.ts"

export function peerOf(name: string): Peer {
  return {
    id: `spiffe://postern.test/reader/${name}`,
    certificate: "00".repeat(32),
    key: "00".repeat(32),
    serial: "01",
    notAfter: new Date("2030-01-01"),
    from: "127.0.0.1:5000",
    protocol: "http/1.1",
  }
}

/** What an investigator may see. */
export const investigatorsQuery = "data.department:payroll"

/** A read API over a fake log, asked without a socket. Every answer is held against the OpenAPI document. */
export function openDesk(
  log = new FakeLog(),
  limits: Partial<ReadLimits> = {},
  slots: RawSlots = noSlots,
  batches: BatchSlots = noBatches,
  disclosures: DisclosureSource = noDisclosures,
  console: ConsoleFiles = new Map(),
  changes: Partial<HouseView> = {},
  /** Entries that the index holds; all others are scanned for. */
  indexed = 0,
) {
  const house = houseOf(log)
  const mirrors: MirrorState[][] = []
  const records: Read[] = []
  const lines: string[] = []
  /** Tests replace it to fail, or to hold records back. */
  const behaviour = { keep: async (_: Read): Promise<void> => undefined }
  const grants = new Map<string, ReaderGrant["see"]>([
    [peerOf("investigator").id, "investigator"],
    [peerOf("auditor").id, "auditor"],
    [peerOf("monitor").id, "monitor"],
  ])
  const api = createReadApi({
    view: log,
    index: naiveIndex(log, indexed),
    slots,
    batches,
    disclosures,
    console,
    house: { ...house, ...changes },
    recorder: {
      async record(read) {
        await behaviour.keep(read)
        records.push(read)
      },
    },
    grantOf({ id }) {
      const see = grants.get(id)
      if (see === undefined) return undefined
      return see === "investigator"
        ? { id, see, query: parseQuery(investigatorsQuery) }
        : { id, see }
    },
    accessDigest: () => "ab".repeat(32),
    async renew({ id }, request) {
      if (id === peerOf("monitor").id) throw new PosternError("RENEWAL_EARLY", "later")
      return `${id} ${Buffer.from(request).toString("hex")}`
    },
    elapsedMs: () => performance.now(),
    now: () => Date.now(),
    onMirrors: (states) => void mirrors.push([...states]),
    limits: { ...readLimits, ...limits },
    log: (message, facts) => lines.push(`${message} ${JSON.stringify(facts)}`),
  })

  async function ask(path: string, as = "auditor", init: RequestInit = {}): Promise<Response> {
    const answer = await api.app.request(path, init, { peer: peerOf(as) })
    if (init.method !== "HEAD") await checkAnswer(api.routes, path, answer)
    return answer
  }

  /** A body that must come with this status, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: the schemas have checked it; tests say what they expect of it.
  async function json(path: string, status = 200, as = "auditor"): Promise<any> {
    const answer = await ask(path, as)
    const text = await answer.text()
    expect(answer.status, text).toBe(status)
    return JSON.parse(text)
  }

  return { api, log, records, lines, behaviour, grants, mirrors, ask, json }
}

/** A log in memory has no slots. */
const noSlots: RawSlots = {
  open: () => Promise.reject(new PosternError("NOT_FOUND", "the log has no slot")),
}

const noDisclosures: DisclosureSource = { read: async () => ({ state: "missing" }) }

const noBatches: BatchSlots = {
  from: () => {
    throw new PosternError("NOT_FOUND", "the log has no slot")
  },
}

type Routes = ReturnType<typeof createReadApi>["routes"]

/** What the document says of this path must hold of this answer: status, content type, shape. */
export async function checkAnswer(routes: Routes, path: string, answer: Response): Promise<void> {
  const type = answer.headers.get("content-type")?.split(";")[0]
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
  if (answer.status >= 400) {
    expect(type).toBe("application/problem+json")
    const problem = problemSchema.parse(await answer.clone().json())
    expect(problem.status).toBe(answer.status)
    return
  }
  expect(answer.status).toBe(200)
  const { pathname } = new URL(path, "https://reader")
  const route = routes.find((one) => patternOf(one.path).test(pathname))
  expect(route, pathname).toBeDefined()
  expect(type).toBe(route?.answer.type)
  // Only JSON is looked at: a clone that nobody reads would hold the body back.
  if (route?.answer.schema !== undefined) route.answer.schema.parse(await answer.clone().json())
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll("{N}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`)
}
