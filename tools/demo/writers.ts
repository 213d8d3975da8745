import { randomUUID } from "node:crypto"
import { Agent, request } from "node:https"
import { setTimeout as pause } from "node:timers/promises"
import { connect, loadProfile, type Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { Place } from "./prepare.ts"

export interface Writers {
  /** One round of each writer. Resolves when all of it is durable, with the size the log has then at least. */
  round(): Promise<{ events: number; size: number }>
  close(): Promise<void>
}

const everyMs = 1500
const people = ["alice", "bob", "carol"]

/** An app through the SDK, an API server's audit webhook, and a job with plain HTTP; then a round now and then. */
export async function startWriters(place: Place, signal: AbortSignal): Promise<Writers> {
  const app = await connect(place.profiles.app, { wait: true })
  const kubernetes = httpWriter(loadProfile(place.profiles.kubernetes), "/v1/kubernetes/audit")
  const billing = httpWriter(loadProfile(place.profiles.http), "/v1/events")
  let count = 0

  async function round(): Promise<{ events: number; size: number }> {
    count += 1
    const user = people[count % people.length] ?? "alice"
    app("document.read", { actor: user, target: `document/${count}`, outcome: "success" })
    const receipt = await app.confirm("document.deleted", {
      actor: user,
      target: `document/${count}`,
      outcome: count % 3 === 0 ? "denied" : "success",
    })
    const pods = await kubernetes({
      kind: "EventList",
      apiVersion: "audit.k8s.io/v1",
      items: auditEvents(user, count),
    })
    const invoice = await billing({
      id: randomUUID(),
      action: "invoice.sent",
      outcome: "success",
      actor: { type: "service", id: "billing-job" },
      targets: [{ type: "invoice", id: String(4700 + count) }],
    })
    return { events: 5, size: Math.max(receipt.index, pods, invoice) + 1 }
  }

  const rounds = (async () => {
    while (!signal.aborted) {
      await pause(everyMs, undefined, { signal }).catch(() => "ended")
      if (!signal.aborted) await round()
    }
  })()
  return {
    round,
    async close() {
      await rounds.catch(report)
      await app.close()
    },
  }
}

function report(error: unknown): void {
  console.error(
    `postern: a writer of the demo: ${error instanceof Error ? error.message : String(error)}`,
  )
}

/** What a Kubernetes API server says of two requests, in its own format. */
function auditEvents(user: string, count: number): object[] {
  return ["get", "delete"].map((verb) => {
    const now = new Date().toISOString()
    const denied = verb === "delete" && count % 2 === 0
    return {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: randomUUID(),
      stage: "ResponseComplete",
      requestURI: `/api/v1/namespaces/shop/pods/web-${count}`,
      verb,
      user: { username: user, groups: ["system:authenticated"] },
      sourceIPs: ["10.0.0.7"],
      userAgent: "kubectl/v1.32.0",
      objectRef: { resource: "pods", namespace: "shop", name: `web-${count}`, apiVersion: "v1" },
      responseStatus: { code: denied ? 403 : 200 },
      requestReceivedTimestamp: now,
      stageTimestamp: now,
      annotations: { "authorization.k8s.io/decision": denied ? "forbid" : "allow" },
    }
  })
}

/** POSTs JSON with the profile's certificate, as curl would. Gives the last index that the body got. */
function httpWriter(profile: Profile, path: string): (body: object) => Promise<number> {
  const [host = "", port = ""] = profile.address.split(/:(?=\d+$)/)
  const { ca, certificate: cert, key } = profile
  const agent = new Agent({ keepAlive: true, ca, cert, key })
  return (body) =>
    new Promise((resolve, reject) => {
      const text = JSON.stringify(body)
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      }
      const posted = request({ agent, host, port, path, method: "POST", headers }, (response) => {
        let answer = ""
        response.on("data", (chunk: Buffer) => {
          answer += chunk.toString()
        })
        response.on("end", () => {
          if (response.statusCode !== 200)
            return reject(new PosternError("UNREACHABLE", answer.slice(0, 300)))
          const last = JSON.parse(answer).entries.at(-1)
          resolve(last.index + last.count - 1)
        })
      })
      posted.on("error", reject)
      posted.end(text)
    })
}
