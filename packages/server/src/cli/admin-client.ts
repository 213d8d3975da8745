import { X509Certificate } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { request } from "node:https"
import { setTimeout } from "node:timers/promises"
import type { Profile } from "@postern/client"
import { type ErrorCode, errorRegistry, isPosternError, PosternError } from "@postern/log/base"
import { z } from "zod"
import { spiffeIdOf } from "../access/index.ts"
import { retentionForm } from "../policy/rules/index.ts"
import type { CommandIo } from "./io.ts"

/** The admin plane of a running service, as an operator sees it. */
export interface AdminClient {
  /** Has the service read its files again. Gives the digests of the access list and the policy now in force. */
  reload(): Promise<{ readonly digest: string; readonly policy: string }>
  /** The access list in force. */
  access(): Promise<{ readonly digest: string; readonly text: string }>
  /** The policy in force; the empty text if there is none. */
  policy(): Promise<{ readonly digest: string; readonly text: string }>
  /** What a value looks like where the policy hid it, one text for each key. Errors: RATE_LIMITED. */
  lookUp(question: LookUp): Promise<{ readonly texts: readonly string[] }>
  /** Has it enter what was done beside it. Errors: REQUEST_INVALID. */
  act(act: OperatorAct): Promise<void>
  /** Hands over the signed result of a review, which becomes an entry. */
  review(statement: string): Promise<void>
  /** What retention goes by. */
  retention(): Promise<z.output<typeof retentionInForce>>
  /** Lets go what is due up to an entry. Errors: RETENTION_NOT_DUE. */
  runRetention(told: {
    readonly to: number
    readonly holds: string
  }): Promise<z.output<typeof retentionDone>>
  /** Holds what matches. Errors: QUERY_INVALID, REQUEST_INVALID. */
  hold(told: {
    readonly query: string
    readonly reason: string
  }): Promise<{ readonly hold: string }>
  /** Ends a hold. Errors: NOT_FOUND. */
  release(told: { readonly hold: string; readonly reason: string }): Promise<void>
  /** What stands in events instead of a person. Errors: NOT_FOUND, RATE_LIMITED. */
  pseudonym(subject: string): Promise<{ readonly subject: string }>
  /**
   * Has the service do what takes longer than an answer may, and gives what came of it. @param path below /v1 @param atStep told what is being
   * done, and how much of it is. Errors: those of what is done.
   */
  errand(path: ErrandPath, told: object, atStep: AtStep): Promise<unknown>
  /** What the service says about itself, as it says it. */
  status(): Promise<Readonly<Record<string, unknown>>>
}

/** A value, and where it was hidden: at a pointer of the policy, or as a token anywhere. */
export type LookUp =
  | { readonly value: string; readonly at: string }
  | { readonly value: string; readonly token: true }

export type ErrandPath = "erasure/look" | "erasure/run" | "subject/entries"
export type AtStep = (step: string, done: number, of: number) => void

/** What an operator did beside the port (docs/spec/log.md, Self-events). */
export interface OperatorAct {
  readonly action: string
  readonly outcome: "success" | "failure" | "unknown"
  readonly data: Readonly<Record<string, unknown>>
}

export interface AdminClientOptions {
  /** For one question, from connecting to the last byte; default 10,000. */
  readonly timeoutMs?: number
}

/** An access list of 8 MiB, in JSON. */
const answerBytesMax = 33_554_432
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const reloaded = z.object({ digest, policy: digest })
const textInForce = z.object({ digest, text: z.string() })
const lookedUp = z.object({ texts: z.array(z.string()) })
const hold = z.object({
  ...{ id: z.string(), query: z.string(), reason: z.string() },
  ...{ operator: z.string(), since: z.string() },
})
const retentionInForce = z.object({
  policy: z.string(),
  retention: retentionForm.optional(),
  minimum: z.int(),
  holds: z.array(hold),
  holdsDigest: digest,
})
const retentionDone = z.object({
  pruned: z.object({ from: z.int(), to: z.int(), bytes: z.number() }).optional(),
  keys: z.array(z.string()),
})
const held = z.object({ hold: z.string() })
const pseudonymous = z.object({ subject: z.string() })
const begun = z.object({ errand: z.string() })
const errandState = z.discriminatedUnion("state", [
  z.object({ state: z.literal("working"), step: z.string(), done: z.number(), of: z.number() }),
  z.object({ state: z.literal("done"), result: z.unknown() }),
  z.object({ state: z.literal("failed"), code: z.string(), title: z.string() }),
])
const lookEveryMs = 200
const failure = z.object({ code: z.string(), title: z.string().optional() })
const anyObject = z.record(z.string(), z.unknown())

/**
 * A client over the unix socket that the operator's profile names, with mutual TLS inside: both
 * ends are who they must be, whoever may open the socket. Errors of all: UNREACHABLE (also:
 * not running), TLS_HANDSHAKE (the server is another), NOT_GRANTED, and whatever the service
 * answers.
 */
export function adminClient(profile: Profile, options: AdminClientOptions = {}): AdminClient {
  if (profile.role !== "operator") {
    throw new PosternError("PROFILE_INVALID", `it is a ${profile.role}'s, an operator's is needed`)
  }
  const timeoutMs = options.timeoutMs ?? 10_000
  return {
    reload: async () => check(reloaded, await ask(profile, "POST", "/v1/reload", timeoutMs)),
    act: async (act) => void (await ask(profile, "POST", "/v1/acts", timeoutMs, act)),
    access: async () => check(textInForce, await ask(profile, "GET", "/v1/access", timeoutMs)),
    policy: async () => check(textInForce, await ask(profile, "GET", "/v1/policy", timeoutMs)),
    lookUp: async (question) =>
      check(lookedUp, await ask(profile, "POST", "/v1/policy/look-up", timeoutMs, question)),
    review: async (statement) =>
      void (await ask(profile, "POST", "/v1/review", timeoutMs, { statement })),
    retention: async () =>
      check(retentionInForce, await ask(profile, "GET", "/v1/retention", timeoutMs)),
    runRetention: async (told) =>
      check(retentionDone, await ask(profile, "POST", "/v1/retention/run", timeoutMs, told)),
    hold: async (told) =>
      check(held, await ask(profile, "POST", "/v1/retention/hold", timeoutMs, told)),
    release: async (told) =>
      void (await ask(profile, "POST", "/v1/retention/release", timeoutMs, told)),
    pseudonym: async (subject) =>
      check(
        pseudonymous,
        await ask(profile, "POST", "/v1/subject/pseudonym", timeoutMs, { subject }),
      ),
    async errand(path, told, atStep) {
      const { errand } = check(begun, await ask(profile, "POST", `/v1/${path}`, timeoutMs, told))
      for (;;) {
        const answer = await ask(profile, "POST", "/v1/errand", timeoutMs, { errand })
        const found = check(errandState, answer)
        if (found.state === "done") return found.result
        if (found.state === "failed") throw problem(0, found)
        atStep(found.step, found.done, found.of)
        await setTimeout(lookEveryMs)
      }
    },
    status: async () => check(anyObject, await ask(profile, "GET", "/v1/status", timeoutMs)),
  }
}

/** Has the port enter an act that is done already: if it cannot be told, the person is. */
export async function tellOf(admin: AdminClient, act: OperatorAct, io: CommandIo): Promise<void> {
  try {
    await admin.act(act)
  } catch (error) {
    if (!isPosternError(error)) throw error
    io.note(`postern: this is no entry of the log: ${error.message}`)
  }
}

/** True if nothing listens there, as opposed to something that does not answer well. */
export function isNotRunning(error: unknown): boolean {
  if (!(error instanceof PosternError) || error.code !== "UNREACHABLE") return false
  return ["ENOENT", "ECONNREFUSED"].includes(errnoOf(error.cause) ?? "")
}

function check<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  throw new PosternError("UNREACHABLE", "the service's answer is not understood")
}

async function ask(
  profile: Profile,
  method: "GET" | "POST",
  path: string,
  timeoutMs: number,
  body?: object,
): Promise<unknown> {
  try {
    return await readAnswer(await send(profile, method, path, timeoutMs, body))
  } catch (error) {
    throw connectionError(profile.address, error)
  }
}

function send(
  profile: Profile,
  method: "GET" | "POST",
  path: string,
  timeoutMs: number,
  body?: object,
): Promise<IncomingMessage> {
  const text = body === undefined ? "" : JSON.stringify(body)
  const outgoing = request({
    socketPath: profile.address,
    method,
    path,
    agent: false,
    headers: { accept: "application/json", "content-length": Buffer.byteLength(text) },
    ca: profile.ca,
    cert: profile.certificate,
    key: profile.key,
    minVersion: "TLSv1.3",
    signal: AbortSignal.timeout(timeoutMs),
    checkServerIdentity: (_host, peer) =>
      refuseOther(new X509Certificate(peer.raw), profile.server),
  })
  return new Promise((resolve, reject) => {
    outgoing.on("error", reject)
    outgoing.on("response", resolve)
    outgoing.end(text)
  })
}

function refuseOther(certificate: X509Certificate, server: string): Error | undefined {
  try {
    const id = spiffeIdOf(certificate, "server")
    if (id === server) return undefined
    return new PosternError("TLS_HANDSHAKE", `the server is ${id}, the profile demands ${server}`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function readAnswer(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw new PosternError("UNREACHABLE", "the answer is too long")
    chunks.push(chunk)
  }
  const body = parseJson(Buffer.concat(chunks).toString())
  if (response.statusCode === 200) return body
  throw problem(response.statusCode ?? 0, body)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The caller says what was expected instead.
  }
}

/** The admin plane's errors carry a code of ours and, in `title`, the whole message. */
function problem(status: number, body: unknown): PosternError {
  const { code, title } = failure.safeParse(body).data ?? {}
  if (code !== undefined && isErrorCode(code)) {
    const prefix = `${errorRegistry[code].message}: `
    return new PosternError(
      code,
      title?.startsWith(prefix) ? title.slice(prefix.length) : undefined,
    )
  }
  if (status === 403) return new PosternError("NOT_GRANTED")
  return new PosternError("UNREACHABLE", `the service answered with status ${status}`)
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorRegistry, text)
}

function connectionError(path: string, cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause
  const code = errnoOf(cause)
  if (code === "EACCES")
    return new PosternError("NOT_GRANTED", `no permission for ${path}`, { cause })
  if (code === "ENOENT" || code === "ECONNREFUSED") {
    return new PosternError("UNREACHABLE", `nothing listens on ${path}`, { cause })
  }
  // A server that refuses our certificate closes without a word in TLS 1.3.
  if (code === "ECONNRESET" || code === "EPIPE") {
    const detail = `${path} closed the connection; does access.yaml name this operator?`
    return new PosternError("UNREACHABLE", detail, { cause })
  }
  const text = cause instanceof Error ? cause.message : String(cause)
  const name = cause instanceof Error ? cause.name : ""
  if (name === "AbortError" || name === "TimeoutError") {
    return new PosternError("UNREACHABLE", `${path} did not answer in time`, { cause })
  }
  return new PosternError("TLS_HANDSHAKE", text, { cause })
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined
}
