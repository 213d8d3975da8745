import { chmodSync, rmSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import type { ToldProblem } from "./outbound.ts"
import type { SourceWord } from "./source.ts"

/** What an agent says of itself. */
export interface AgentWord {
  readonly pid: number
  /** RFC 3339. */
  readonly since: string
  readonly config: string
  /** When agent.yaml was read last, and what is wrong with the one that is there now. */
  readonly readAt: string
  readonly configProblem?: string | undefined
  readonly profile: { readonly id: string; readonly certificateEnds: string | undefined }
  readonly sources: readonly (SourceWord & SourceFigures)[]
}

/** Of the way out of one source. */
export interface SourceFigures {
  readonly name: string
  readonly connected: boolean
  /** Events in the spool, and how full it is: 0 to 1. */
  readonly pendingEvents: number
  readonly spoolFill: number
  /** Since this process began. */
  readonly acked: number
  readonly refused: number
  readonly lost: number
  /** Ever. */
  readonly taken: number
  readonly lastProblem?: ToldProblem | undefined
}

const answerBytesMax = 4 * 1024 * 1024
const answerMs = 5_000

function socketOf(state: string): string {
  return join(state, "agent.sock")
}

/** Says its word to whoever connects to the socket in the state directory, which only its owner may. Errors: those of node:net. */
export async function sayWord(state: string, say: () => AgentWord): Promise<Server> {
  const path = socketOf(state)
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy())
    socket.end(JSON.stringify(say()))
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return server
}

/** The word of the agent with this state directory. Errors: UNREACHABLE if none runs, or it does not answer. */
export async function askWord(state: string): Promise<AgentWord> {
  try {
    return JSON.parse(await readAnswer(socketOf(state))) as AgentWord
  } catch (cause) {
    if (isPosternError(cause)) throw cause
    const detail = `no agent answers at ${socketOf(state)}`
    throw new PosternError("UNREACHABLE", detail, { cause })
  }
}

function readAnswer(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ""
    socket.setEncoding("utf8")
    socket.setTimeout(answerMs, () => socket.destroy(new Error("no answer")))
    socket.on("data", (part: string) => {
      text += part
      if (text.length > answerBytesMax) socket.destroy(new Error("too long an answer"))
    })
    socket.on("error", reject)
    socket.on("end", () => resolve(text))
  })
}
