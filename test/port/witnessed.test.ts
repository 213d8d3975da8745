import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { connect, type Profile } from "@postern/client"
import {
  checkConsistency,
  checkProofFile,
  openCheckpoint,
  openCosignedCheckpoint,
  parsePolicy,
  parseProofFile,
  type TrustPolicy,
} from "@postern/log/tlog"
import { afterEach, describe, expect, test } from "vitest"
import { askAdmin } from "../support/admin-client.ts"
import { eventText } from "../support/events.ts"
import { ask } from "../support/http-client.ts"
import { Installation, trustDomain } from "../support/installation.ts"
import { askOps, metricOf } from "../support/ops-client.ts"
import { startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"
import { configureWitnesses, startCourier, WitnessProcess } from "../support/witness-process.ts"

/** Several lives of several processes, on a machine that has other things to do. */
const longMs = 120_000
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** An installation with two witnesses that its policy asks for. */
async function install() {
  const installation = await Installation.make()
  undo.push(() => installation.remove())
  const app = await installation.writer("app")
  const witnesses = await Promise.all(
    ["w1", "w2"].map((name) =>
      WitnessProcess.make(installation.directory, name, installation.vkey),
    ),
  )
  for (const witness of witnesses) {
    await witness.start()
    undo.push(() => witness.end())
  }
  const policyText = configureWitnesses(installation, witnesses)
  return { installation, app, witnesses, policyText, policy: parsePolicy(policyText) }
}

/** Port and courier, started together; the courier first, for a start waits only so long for what it has to say. */
async function serve({ installation, app }: Awaited<ReturnType<typeof install>>) {
  const courier = await startCourier(installation.configFile)
  undo.push(() => courier.end())
  // Of a log that is yet to be it has nothing to say, and waits for it.
  if (existsSync(join(installation.log, "head"))) await courier.ready
  const port = await startPort(installation.configFile)
  undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
  const post = () => ask(port.write, installation.ca.certificate, app, { body: eventText() })
  return { port, courier, post }
}

const newest = (installation: Installation, name: string, policy: TrustPolicy) => async () => {
  try {
    return await openCosignedCheckpoint(readFileSync(join(installation.log, name), "utf8"), policy)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** The newest checkpoint of this name that has the quorum and at least this size. */
async function quorumAt(size: number, name: string, policy: TrustPolicy, where: Installation) {
  const look = newest(where, name, policy)
  return await until(
    async () => {
      const found = await look()
      return found?.quorumMet && found.checkpoint.size >= size ? found : undefined
    },
    30_000,
    `the quorum at ${size} entries`,
  )
}

describe("a log with two witnesses", () => {
  test(
    "has its checkpoints cosigned by both, and says so everywhere",
    async () => {
      const world = await install()
      const { installation, policy } = world
      const { port, post } = await serve(world)
      expect((await post()).status).toBe(200)
      const { durableSize } = (await askAdmin(installation, "GET /v1/status")).json
      const found = await quorumAt(Number(durableSize), "checkpoint", policy, installation)
      expect([...found.cosigned].sort()).toEqual(["w1", "w2"])
      const kept = await quorumAt(found.checkpoint.size, "witnessed", policy, installation)
      expect(kept.checkpoint.size).toBeGreaterThanOrEqual(found.checkpoint.size)
      const text = await until(
        async () => {
          const { text } = await askOps(port.ops, "/readyz?verbose")
          return /witness w1: cosigned\nwitness w2: cosigned/.test(text) ? text : undefined
        },
        15_000,
        "both in /readyz?verbose",
      )
      expect(text).toMatch(
        /^ready\nlog: \d+ entries durable, \d+ published\nwitnesses: \d+ entries/,
      )
      const pki = (name: string) => readFileSync(join(installation.directory, "pki", name), "utf8")
      const courier = {
        id: "spiffe://postern.local/postern/courier",
        certificate: pki("courier-process.crt"),
        key: pki("courier-process.key"),
      }
      expect((await askAdmin(installation, "GET /v1/status", courier)).status).toBe(404)
      const metrics = (await askOps(port.ops, "/metrics")).text
      expect(metricOf(metrics, "postern_entries_witnessed")).toBeGreaterThan(0)
      expect(metricOf(metrics, "postern_witnessed_age_seconds")).toBeLessThan(60)
      // Both sides have the same clock here.
      expect(text).toMatch(/\nclock: source \S+, keeper \S+, synchronized \S+, offset within/)
      expect(metricOf(metrics, "postern_clock_offset_seconds")).toBe(0)
    },
    longMs,
  )

  test(
    "goes on without one of them, shows that it lags, and catches up",
    async () => {
      const world = await install()
      const { installation, policy, witnesses } = world
      const { port, post } = await serve(world)
      await post()
      const before = await quorumAt(1, "witnessed", policy, installation)
      await witnesses[1]?.end()
      const status = async () =>
        (await askAdmin(installation, "GET /v1/status")).json as {
          durableSize: number
          publishedSize: number
          witnesses: { size: number; each: { name: string; state: string }[] }
        }
      const lagging = await until(
        async () => {
          expect((await post()).status).toBe(200)
          const now = await status()
          const [first, second] = now.witnesses.each.map(({ state }) => state)
          const isAlone = first === "cosigned" && second === "failed"
          return isAlone && now.publishedSize > now.witnesses.size ? now : undefined
        },
        30_000,
        "a lag",
      )
      expect(lagging.witnesses.each).toMatchObject([
        { name: "w1", state: "cosigned" },
        { name: "w2", state: "failed" },
      ])
      expect((await askOps(port.ops, "/readyz")).status).toBe(200)
      const half = await newest(installation, "checkpoint", policy)()
      expect(half?.quorumMet).toBe(false)
      await witnesses[1]?.start()
      const after = await quorumAt(lagging.publishedSize, "witnessed", policy, installation)
      expect(after.checkpoint.size).toBeGreaterThan(before.checkpoint.size)
    },
    longMs,
  )

  test(
    "confirms entries as witnessed to a writer, however fast it grows",
    async () => {
      const world = await install()
      const { installation, app, policy } = world
      const { host, port } = (await serve(world)).port.write
      const [origin = ""] = installation.vkey.split("+")
      const profile: Profile = {
        ...{ role: "writer", id: app.id, server: `spiffe://${trustDomain}/server` },
        ...{ address: `${host}:${port}`, source: "app://app" },
        spool: join(installation.directory, "spool"),
        ...{ log: { origin, vkey: installation.vkey }, policy: world.policyText },
        ...{ ca: installation.ca.certificate, certificate: app.certificate, key: app.key },
      }
      const told: string[] = []
      const audit = await connect(profile, { onProblem: ({ code }) => told.push(code) })
      undo.push(() => audit.close(0))
      const details = { actor: "a", target: "b", outcome: "success" } as const
      let isDone = false
      const growing = (async () => {
        while (!isDone) {
          audit("a.b", details)
          await audit.flush()
        }
      })()
      try {
        for (let round = 0; round < 2; round++) {
          const { proof = "", leaf } = await audit.confirm("a.b", details, { wait: "witnessed" })
          const checked = await checkProofFile(parseProofFile(proof), leaf, policy)
          expect(checked.quorumMet).toBe(true)
        }
      } finally {
        isDone = true
        await growing
      }
      expect(told).toEqual([])
    },
    longMs,
  )

  test(
    "starts without its courier after a while, and says that nothing is known",
    async () => {
      const { installation } = await install()
      const port = await startPort(installation.configFile)
      undo.push(() => port.end("SIGKILL"))
      const { status, text } = await askOps(port.ops, "/readyz?verbose")
      expect(status).toBe(200)
      expect(text).toContain("0 entries witnessed, never\nwitness w1: unknown\nwitness w2: unknown")
    },
    longMs,
  )

  describe("that was set back to an older copy, last-signed and all,", () => {
    /** Two lives of the port; then the copy from between them is put back. */
    async function setBack() {
      const world = await install()
      const { installation, policy } = world
      const first = await serve(world)
      await first.post()
      await quorumAt(1, "witnessed", policy, installation)
      await first.courier.end("SIGTERM")
      expect(await first.port.end("SIGTERM")).toBe(0)
      const data = join(installation.directory, "data")
      const copy = join(installation.directory, "copy")
      execFileSync("cp", ["-a", data, copy])
      const second = await serve(world)
      await second.post()
      const { durableSize } = (await askAdmin(installation, "GET /v1/status")).json
      await quorumAt(Number(durableSize), "witnessed", policy, installation)
      await second.courier.end("SIGTERM")
      await second.port.end("SIGTERM")
      rmSync(data, { recursive: true })
      execFileSync("cp", ["-a", copy, data])
      return { ...world, lostSize: Number(durableSize) }
    }

    test(
      "is refused by what a witness knows",
      async () => {
        const world = await setBack()
        const refused = /the port ended with 78.*"proven":true.*"code":"LOG_ROLLED_BACK"/s
        await expect(serve(world)).rejects.toThrow(refused)
      },
      longMs,
    )

    test(
      "and began another history unseen signs no more once a witness is heard",
      async () => {
        const { installation, app, lostSize } = await setBack()
        const port = await startPort(installation.configFile)
        undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
        const post = () => ask(port.write, installation.ca.certificate, app, { body: eventText() })
        await until(
          async () => {
            await post()
            const { publishedSize } = (await askAdmin(installation, "GET /v1/status")).json
            return Number(publishedSize) > lostSize || undefined
          },
          30_000,
          "a second history",
        )
        const courier = await startCourier(installation.configFile)
        undo.push(() => courier.end())
        const said = await until(
          async () => {
            const { status, text } = await askOps(port.ops, "/readyz")
            return status === 503 ? text : undefined
          },
          30_000,
          "the contradiction",
        )
        expect(said).toMatch(/witness w[12] shows another history of this log at \d+ entries/)
        // What was signed before may be on its way to the disk still; what comes from here on is not signed.
        const { json: before } = await askAdmin(installation, "GET /v1/status")
        expect((await post()).status).toBe(200)
        await port.end("SIGTERM")
        const note = readFileSync(join(installation.log, "checkpoint"), "utf8")
        const { size } = await openCheckpoint(note, installation.vkey)
        expect(size).toBeGreaterThanOrEqual(Number(before.publishedSize))
        expect(size).toBeLessThanOrEqual(Number(before.durableSize))
        const evidence = join(installation.directory, "data", "state", "port", "evidence")
        const [file = ""] = readdirSync(evidence)
        const kept = JSON.parse(readFileSync(join(evidence, file), "utf8"))
        const theirs = await openCheckpoint(kept.theirs, installation.vkey)
        const ours = await openCheckpoint(kept.ours, installation.vkey)
        const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"))
        const ownRoot = bytes(kept.ourRoot)
        checkConsistency(theirs.size, ours.size, kept.proof.map(bytes), ownRoot, ours.root)
        expect(ownRoot).not.toEqual(theirs.root)
      },
      longMs,
    )
  })
})
