import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openCosignedCheckpoint, parsePolicy, parseWitnessAnswer } from "@postern/log/tlog"
import { afterEach, describe, expect, test } from "vitest"
import {
  addWitnessedLog,
  evidenceStore,
  initWitness,
  listenWitness,
  openWitness,
  openWitnessDirectory,
  originHash,
  type Witness,
} from "./index.ts"
import { smallLog } from "./small-log.test.support.ts"

const log = smallLog("a.example/log")
const fork = smallLog("a.example/log", 1, "b")
const directories: string[] = []
const open: Witness[] = []

afterEach(async () => {
  for (const witness of open.splice(0)) await witness.close()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

async function newDirectory(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "postern-witness-"))
  directories.push(directory)
  await initWitness(directory, "witness.example/w1")
  return directory
}

function openIn(directory: string): Witness {
  const opened = openWitnessDirectory(directory)
  const keepEvidence = evidenceStore(opened.evidenceDirectory)
  const witness = openWitness(opened, { now: () => 1.7e12, tell: () => undefined, keepEvidence })
  open.push(witness)
  return witness
}

async function closeAll(): Promise<void> {
  for (const witness of open.splice(0)) await witness.close()
}

/** The size that it says it cosigned last. */
async function sizeOf(witness: Witness): Promise<number | undefined> {
  const { status, contentType, body } = await witness.addCheckpoint(await log.request(200, 256))
  const answer = parseWitnessAnswer(status, contentType, body)
  return answer.kind === "size" ? answer.size : undefined
}

async function policyOf(directory: string) {
  const vkey = readFileSync(join(directory, "witness.vkey"), "utf8").trim()
  return parsePolicy(`log ${log.vkey}\nwitness w ${vkey}\nquorum w\n`)
}

describe("a witness", () => {
  test("cosigns, and its answer makes the checkpoint meet a policy that asks for it", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const { status, body } = await openIn(directory).addCheckpoint(await log.request(0, 3))
    expect(status).toBe(200)
    const policy = await policyOf(directory)
    const opened = await openCosignedCheckpoint(`${await log.note(3)}${body}`, policy)
    expect(opened).toMatchObject({ cosigned: ["w"], quorumMet: true })
    expect(opened.times.get("w")).toBe(1_700_000_000)
  })

  test("shows its newest checkpoint to monitors, under the hash of the origin", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const witness = openIn(directory)
    expect(await witness.checkpoint(originHash(log.origin))).toBeUndefined()
    await witness.addCheckpoint(await log.request(0, 3))
    await witness.addCheckpoint(await log.request(3, 5))
    const shown = (await witness.checkpoint(originHash(log.origin))) ?? ""
    const opened = await openCosignedCheckpoint(shown, await policyOf(directory))
    expect(opened).toMatchObject({ checkpoint: { size: 5 }, quorumMet: true })
    expect(await witness.checkpoint(originHash("b.example/log"))).toBeUndefined()
  })

  test("knows after a restart what it cosigned", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    await openIn(directory).addCheckpoint(await log.request(0, 3))
    await closeAll()
    expect(await sizeOf(openIn(directory))).toBe(3)
  })

  test("keeps a second history as evidence, once, and goes on with the first", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const witness = openIn(directory)
    await witness.addCheckpoint(await log.request(0, 3))
    for (let i = 0; i < 3; i++) {
      expect((await witness.addCheckpoint(await fork.request(3, 3))).status).toBe(422)
    }
    const [name, ...more] = readdirSync(join(directory, "evidence"))
    expect(more).toEqual([])
    const evidence = JSON.parse(readFileSync(join(directory, "evidence", name ?? ""), "utf8"))
    expect(evidence.known).toBe(await log.note(3))
    expect(evidence.offered).toBe(await fork.note(3))
    expect((await witness.addCheckpoint(await log.request(3, 5))).status).toBe(200)
  })

  test("lets two requests at once pass one after the other: no rollback of the larger", async () => {
    for (const sizes of [
      [5, 9],
      [9, 5],
    ] as const) {
      const directory = await newDirectory()
      await addWitnessedLog(directory, log.vkey)
      const witness = openIn(directory)
      await witness.addCheckpoint(await log.request(0, 3))
      const requests = await Promise.all(sizes.map((size) => log.request(3, size)))
      const answers = await Promise.all(requests.map((body) => witness.addCheckpoint(body)))
      expect(answers.map(({ status }) => status)).toEqual([200, 409])
      expect(answers[1]?.body).toBe(`${sizes[0]}\n`)
      expect(await sizeOf(witness)).toBe(sizes[0])
    }
  })

  test("of many forks at once cosigns one", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const witness = openIn(directory)
    const histories = ["a", "b", "c", "d", "e", "f"].map((name) => smallLog(log.origin, 1, name))
    const requests = await Promise.all(histories.map((one) => one.request(0, 9)))
    const answers = await Promise.all(requests.map((body) => witness.addCheckpoint(body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409])
  })

  test("that cannot persist does not cosign", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const opened = openWitnessDirectory(directory)
    let signed = 0
    const sign = (message: Uint8Array) => {
      signed += 1
      return opened.signer.sign(message)
    }
    const witness = openWitness(
      {
        ...opened,
        signer: { ...opened.signer, sign },
        persist: () => Promise.reject(new Error("no space")),
      },
      { now: () => 0, tell: () => undefined, keepEvidence: async () => undefined },
    )
    open.push(witness)
    await expect(witness.addCheckpoint(await log.request(0, 3))).rejects.toThrow("no space")
    expect(signed).toBe(0)
    expect(await witness.checkpoint(originHash(log.origin))).toBeUndefined()
  })
})

describe("a witness that was killed between persisting and answering", () => {
  test("still knows the size that nobody heard of, and cosigns it again but no other root", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const main = fileURLToPath(new URL("./killed-at-signing.test.support.ts", import.meta.url))
    const child = spawn(process.execPath, [main, directory], { stdio: ["pipe", "pipe", "inherit"] })
    child.stdin.end(await log.request(0, 3))
    const [, signal] = await once(child, "exit")
    expect(signal).toBe("SIGKILL")
    expect(child.stdout.read()).toBeNull()
    const witness = openIn(directory)
    expect(await sizeOf(witness)).toBe(3)
    expect((await witness.addCheckpoint(await fork.request(3, 3))).status).toBe(422)
    expect((await witness.addCheckpoint(await log.request(3, 3))).status).toBe(200)
  })
})

describe("a witness without its memory", () => {
  const lost = expect.objectContaining({ code: "WITNESS_STATE_LOST" })

  test("does not start, nor forget by adding the log again", async () => {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    await openIn(directory).addCheckpoint(await log.request(0, 3))
    await closeAll()
    const state = join(directory, "state", `${originHash(log.origin)}.json`)
    const before = readFileSync(state)
    rmSync(state)
    expect(() => openIn(directory)).toThrow(lost)
    await expect(addWitnessedLog(directory, fork.vkey, log.origin)).rejects.toThrow(
      expect.objectContaining({ code: "ALREADY_EXISTS" }),
    )
    const next = smallLog(log.origin, 9).vkey
    await expect(addWitnessedLog(directory, next)).rejects.toThrow(lost)
    for (const damage of ["", "{}", before.toString().slice(0, -9), "null"]) {
      writeFileSync(state, damage)
      expect(() => openIn(directory)).toThrow(lost)
    }
    writeFileSync(state, before)
    expect(await sizeOf(openIn(directory))).toBe(3)
  })

  test("is not used by two processes at once", async () => {
    const directory = await newDirectory()
    openIn(directory)
    expect(() => openIn(directory)).toThrow(expect.objectContaining({ code: "LOG_LOCKED" }))
  })
})

describe("over HTTP", () => {
  async function listen() {
    const directory = await newDirectory()
    await addWitnessedLog(directory, log.vkey)
    const listener = await listenWitness(openIn(directory), {
      address: { host: "127.0.0.1", port: 0 },
      failed: (error) => {
        throw error
      },
    })
    const post = async (body: string | Uint8Array) => {
      const response = await fetch(`${listener.url}/add-checkpoint`, {
        method: "POST",
        body: body as string,
      })
      const type = response.headers.get("content-type") ?? undefined
      return parseWitnessAnswer(response.status, type, await response.text())
    }
    return { directory, listener, post }
  }

  test("the whole dance: probe, cosign, conflict, contradiction, monitor", async () => {
    const { directory, listener, post } = await listen()
    expect((await post(await log.request(0, 3))).kind).toBe("cosigned")
    expect(await post(await log.request(0, 5))).toEqual({ kind: "size", size: 3 })
    expect((await post(await log.request(3, 5))).kind).toBe("cosigned")
    expect(await post(await fork.request(5, 9))).toEqual({ kind: "contradiction" })
    expect(await post(await smallLog("b.example/log").request(0, 1))).toEqual({
      kind: "unknown-log",
    })
    const shown = await fetch(`${listener.url}/${originHash(log.origin)}/checkpoint`)
    const opened = await openCosignedCheckpoint(await shown.text(), await policyOf(directory))
    expect(opened).toMatchObject({ checkpoint: { size: 5 }, quorumMet: true })
    await listener.close()
  })

  test("what is not a request is refused", async () => {
    const { listener, post } = await listen()
    expect(await post("")).toEqual({ kind: "malformed" })
    expect(await post("x".repeat(600_000))).toEqual({ kind: "malformed" })
    expect(await post(Uint8Array.of(0xff, 0xfe))).toEqual({ kind: "malformed" })
    const status = async (path: string, method = "GET") =>
      (await fetch(`${listener.url}${path}`, { method })).status
    expect(await status("/add-checkpoint")).toBe(405)
    expect(await status("/")).toBe(404)
    expect(await status(`/${"0".repeat(64)}/checkpoint`)).toBe(404)
    expect(await status(`/${originHash(log.origin)}/checkpoint`, "DELETE")).toBe(405)
    await listener.close()
  })

  test("a wildcard address is refused", async () => {
    const directory = await newDirectory()
    const options = { address: { host: "0.0.0.0", port: 0 }, failed: () => undefined }
    await expect(listenWitness(openIn(directory), options)).rejects.toThrow(
      expect.objectContaining({ code: "BIND_REFUSED" }),
    )
  })
})
