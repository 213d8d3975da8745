import { type ChildProcess, spawn } from "node:child_process"
import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { once } from "node:events"
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { noteKeyId, parseVkey } from "@postern/log/tlog"
import type { Key } from "../../packages/server/src/guard/verify/written-log.test.support.ts"
import { freePorts, postern } from "../interop/port-process.ts"
import { until } from "../support/waiting.ts"
import { type History, type OperatorKeys, origin, proofLines } from "./history.ts"

const bin = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))
const startMs = 40_000

/**
 * One installation, whose operator turns against it: everything on the machine is in his hands, keys included. Outside of
 * it, where he cannot reach, are a witness, readers' memories and writers' receipts.
 */
export interface Stage {
  readonly config: string
  readonly vkey: string
  readonly reader: string
  readonly keys: OperatorKeys
  /** `data`, in which the log directory is. */
  readonly data: string
  /** Room for files of those outside. */
  readonly outside: string
  /** Puts this history in the place of the log. */
  serve(history: History): void
  /** Runs `use` while the read port answers. */
  reading(use: () => Promise<void>): Promise<void>
}

export async function makeStage(work: string): Promise<Stage> {
  const directory = join(work, "audit")
  const [write, read, ops] = await freePorts(3)
  const ports = ["--write-port", `${write}`, "--read-port", `${read}`, "--ops-port", `${ops}`]
  const made = await postern(["init", directory, "--origin", origin, ...ports, "--json"])
  if (made.code !== 0) throw new Error(made.text)
  const { config, vkey, profiles } = JSON.parse(made.text)
  const pem = (name: string) => readFileSync(join(directory, "pki", name), "utf8")
  const keys = {
    log: keyOf(origin, pem("log.key")),
    receipts: keyOf(`${origin}/receipts`, pem("receipt.key")),
  }
  const data = join(directory, "data")
  const outside = join(work, "outside")
  mkdirSync(outside)
  mkdirSync(join(data, "state", "port"), { recursive: true, mode: 0o700 })
  writeFileSync(join(data, "state", "port", "vkey"), `${vkey}\n`)
  return {
    ...{ config, vkey, keys, data, outside, reader: profiles.reader },
    serve(history) {
      rmSync(join(data, "log"), { recursive: true, force: true })
      cpSync(history.path, join(data, "log"), { recursive: true })
    },
    async reading(use) {
      const service = await start(["serve", "--config", config, "--only", "reader"], /reader ready/)
      try {
        await use()
      } finally {
        await stop(service)
      }
    },
  }
}

function keyOf(name: string, pem: string): Key {
  const key = createPrivateKey(pem)
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  const raw = new Uint8Array(spki.subarray(-32))
  const keyId = noteKeyId(name, raw)
  const type = Buffer.concat([Buffer.of(1), raw]).toString("base64")
  const vkey = `${name}+${keyId.toString(16).padStart(8, "0")}+${type}`
  parseVkey(vkey)
  const signer = {
    name,
    keyId,
    sign: (message: Uint8Array) => new Uint8Array(sign(null, message, key)),
  }
  return { vkey, signer }
}

/** A witness in a process of its own, with its own key and memory. */
export interface RunningWitness {
  /** What it answers to this checkpoint of this history, asked as from `old` entries on. */
  ask(history: History, note: string, old: number): Promise<{ status: number; text: string }>
  readonly directory: string
  stop(): Promise<void>
}

export async function startWitness(work: string, vkey: string): Promise<RunningWitness> {
  const directory = join(work, "witness")
  const [port] = await freePorts(1)
  for (const args of [
    ["init", directory, "--name", "witness.example/w1"],
    ["add-log", directory, vkey],
  ]) {
    const made = await postern(["witness", ...args])
    if (made.code !== 0) throw new Error(made.text)
  }
  const listen = ["--listen", `127.0.0.1:${port}`]
  const child = await start(["witness", "serve", directory, ...listen], /./)
  const url = `http://127.0.0.1:${port}/add-checkpoint`
  return {
    directory,
    async ask(history, note, old) {
      const size = Number(note.split("\n")[1])
      const proof = old > 0 && old < size ? await proofLines(history, old, size) : ""
      const answer = await fetch(url, { method: "POST", body: `old ${old}\n${proof}\n${note}` })
      return { status: answer.status, text: await answer.text() }
    },
    stop: () => stop(child),
  }
}

/** A long-running command, once it has said this. */
export async function start(args: readonly string[], ready: RegExp): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      said += chunk.toString()
    })
  }
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`postern ${args.join(" ")}: ${said}`)
      return ready.test(said) ? true : undefined
    },
    startMs,
    `postern ${args.join(" ")}`,
  )
  return child
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGTERM")
  await once(child, "exit")
}
