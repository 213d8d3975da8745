import type {
  AccessAnswer,
  AlertsAnswer,
  AlertTestAnswer,
  CompleteAnswer,
  EntryList,
  FacetsAnswer,
  HistogramAnswer,
  LogAnswer,
  PolicyAnswer,
  PortAnswer,
  SearchAnswer,
  ShownEntry,
  StatusAnswer,
  WritersAnswer,
} from "./answers.ts"
import { ProblemError, unreachable } from "./problem.ts"

export type Parameters = Readonly<Record<string, string | number | undefined>>

/** Path and query of a question; parameters that are undefined or empty are left out. */
export function questionText(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value))
  }
  const text = query.toString()
  return text === "" ? path : `${path}?${text}`
}

/** @throws ProblemError, and what aborts `signal` */
export async function request(
  path: string,
  parameters: Parameters,
  signal?: AbortSignal,
  method = "GET",
): Promise<Response> {
  const answer = await fetch(questionText(path, parameters), {
    method,
    credentials: "same-origin",
    cache: "no-store",
    // No form of another page can send this type.
    ...(method === "GET" ? {} : { headers: { "content-type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause
    throw unreachable(cause)
  })
  if (answer.ok) return answer
  throw new ProblemError(answer.status, await readProblem(answer))
}

async function readProblem(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = await answer.json()
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // Something between us and the reader answered in its own words.
  }
}

async function ask<T>(path: string, parameters: Parameters, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, parameters, signal)).json()) as T
}

/** What a question is about: a query, and received times as RFC 3339. */
export interface Scope {
  readonly q?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

export const facetFields = ["outcome", "action", "actor", "target", "source", "writer"] as const
export type FacetField = (typeof facetFields)[number]

/** Every route of the read API that the console asks, and no other. */
export const api = {
  status: (signal?: AbortSignal) => ask<StatusAnswer>("/v1/status", {}, signal),
  entries: (
    asked: { from?: number; to?: number; since?: string; until?: string; limit: number },
    signal?: AbortSignal,
  ) => ask<EntryList>("/v1/entries", asked, signal),
  entry: (index: number, signal?: AbortSignal) =>
    ask<ShownEntry>(`/v1/entries/${index}`, {}, signal),
  disclosure: async (index: number, digest: string, signal?: AbortSignal) =>
    new Uint8Array(
      await (await request(`/v1/entries/${index}/disclosures/${digest}`, {}, signal)).arrayBuffer(),
    ),
  search: (
    asked: Scope & { order: "asc" | "desc"; limit: number; cursor?: string | undefined },
    signal?: AbortSignal,
  ) => ask<SearchAnswer>("/v1/search", { ...asked }, signal),
  histogram: (scope: Scope & { buckets: number }, signal?: AbortSignal) =>
    ask<HistogramAnswer>("/v1/histogram", { ...scope }, signal),
  facets: (scope: Scope & { top: number }, signal?: AbortSignal) =>
    ask<FacetsAnswer>("/v1/facets", { ...scope, fields: facetFields.join(",") }, signal),
  complete: (q: string, at: number, signal?: AbortSignal) =>
    ask<CompleteAnswer>("/v1/complete", { q, at }, signal),
  writers: (signal?: AbortSignal) => ask<WritersAnswer>("/v1/writers", {}, signal),
  port: (signal?: AbortSignal) => ask<PortAnswer>("/v1/port", {}, signal),
  access: (signal?: AbortSignal) => ask<AccessAnswer>("/v1/access", {}, signal),
  policy: (signal?: AbortSignal) => ask<PolicyAnswer>("/v1/policy", {}, signal),
  log: (signal?: AbortSignal) => ask<LogAnswer>("/v1/log", {}, signal),
  alerts: (signal?: AbortSignal) => ask<AlertsAnswer>("/v1/alerts", {}, signal),
  testAlert: async (name: string) => {
    const path = `/v1/alerts/${encodeURIComponent(name)}/test`
    return (await (await request(path, {}, undefined, "POST")).json()) as AlertTestAnswer
  },
  consistency: (from: number, to: number, signal?: AbortSignal) =>
    ask<{ path: readonly string[] }>("/v1/proof/consistency", { from, to }, signal),
  keyProofs: async (signal?: AbortSignal) => (await request("/v1/keys", {}, signal)).text(),
  /** The answer itself, since the file is read as it comes. */
  evidence: (indexes: readonly number[], disclosed: boolean, signal?: AbortSignal) =>
    request(
      "/v1/evidence",
      { index: indexes.join(","), disclosed: disclosed ? "true" : undefined },
      signal,
    ),
}
