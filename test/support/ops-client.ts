import type { Place } from "./port-process.ts"

/** What the ops plane says at a path, as anybody on the machine may ask. */
export async function askOps(ops: Place, path: string, method = "GET") {
  const answer = await fetch(`http://${ops.host}:${ops.port}${path}`, { method })
  return { status: answer.status, text: await answer.text(), headers: answer.headers }
}

/** The value of a metric, 0 if it is not there. */
export function metricOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0)
}
