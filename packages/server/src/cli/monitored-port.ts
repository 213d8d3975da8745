import { isPosternError, PosternError, parseBase64 } from "@postern/log/base"
import { z } from "zod"
import type { MonitoredPort } from "../guard/monitor/index.ts"
import { type HttpsExchange, parseJson, problemOf } from "./https-exchange.ts"
import { tilesOf } from "./read-port-tiles.ts"

const answerBytesMax = 1_000_000
const proofAnswer = z.object({ path: z.array(z.string()).max(128) })
const statusAnswer = z.object({ size: z.int().min(0), see: z.string() })

/** A read port as a monitor asks it. What it answers beyond tiles is parsed here; nothing of it is checked. */
export function monitoredPort(exchange: HttpsExchange): MonitoredPort {
  const tiles = tilesOf(exchange)

  async function json(path: string): Promise<unknown> {
    const answer = await exchange.ask({ method: "GET", path, bytesMax: answerBytesMax })
    if (answer.status !== 200) throw problemOf(answer)
    return parseJson(answer.body.toString("utf8"))
  }

  async function consistency(from: number, to: number): Promise<readonly Uint8Array[] | "none"> {
    try {
      const answer = await json(`/v1/proof/consistency?from=${from}&to=${to}`)
      const hashes = proofAnswer.safeParse(answer).data?.path.map(parseBase64)
      return hashes?.every((hash) => hash !== undefined) ? hashes : "none"
    } catch (error) {
      const none = isPosternError(error) && ["NOT_FOUND", "REQUEST_INVALID"].includes(error.code)
      if (!none) throw error
      return "none"
    }
  }

  async function status(): Promise<{ size: number; entries: boolean }> {
    const answer = statusAnswer.safeParse(await json("/v1/status")).data
    if (answer === undefined) throw new PosternError("UNREACHABLE", "the status is not understood")
    return { size: answer.size, entries: answer.see === "auditor" }
  }

  async function checkpoint(): Promise<string> {
    try {
      return await tiles.checkpoint()
    } catch (error) {
      if (!isPosternError(error) || error.code !== "NOT_FOUND") throw error
      throw new PosternError("NOT_FOUND", "the log shows no checkpoint", { cause: error })
    }
  }

  async function witnessed(): Promise<string | undefined> {
    const path = "/v1/checkpoint/witnessed"
    const answer = await exchange.ask({ method: "GET", path, bytesMax: answerBytesMax })
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw problemOf(answer)
    return answer.body.toString("utf8")
  }

  async function beat(): Promise<void> {
    await json("/v1/entries?from=0&to=1&limit=1")
  }

  return { ...tiles, checkpoint, consistency, witnessed, status, beat }
}
