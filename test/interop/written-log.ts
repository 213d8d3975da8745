import { FramedWriter } from "./framed-writer.ts"
import { freePorts, postern, startPort } from "./port-process.ts"

export interface WrittenLog {
  readonly config: string
  readonly directory: string
  readonly vkey: string
  /** Acknowledged events, those of Kubernetes apart. */
  readonly accepted: number
}

const batchSizes = [1, 7, 100, 3, 400, 25]

/**
 * A log as a service leaves it: written by the real port over the framed protocol and the audit webhook, by several
 * writers, with refused events in between, through a kill -9 and a restart.
 */
export async function writeLog(directory: string, entriesMin: number): Promise<WrittenLog> {
  const [write, read, ops] = await freePorts(3)
  const ports = ["--write-port", `${write}`, "--read-port", `${read}`, "--ops-port", `${ops}`]
  const made = await postern(["init", directory, ...ports, "--json"])
  const { config, vkey, profiles } = JSON.parse(made.text)
  let accepted = await writeOnce(config, profiles.writer, entriesMin / 2, "SIGKILL")
  accepted += await writeOnce(config, profiles.writer, entriesMin / 2, "SIGTERM")
  return { config, directory, vkey, accepted }
}

async function writeOnce(
  config: string,
  profile: string,
  events: number,
  end: "SIGKILL" | "SIGTERM",
): Promise<number> {
  const port = await startPort(config)
  const open = () => FramedWriter.open(profile, port.address)
  const writers = [await open(), await open(), await open()]
  const share = Math.ceil(events / writers.length)
  const counts = await Promise.all(writers.map((writer, i) => writeShare(writer, i, share)))
  const input = Array.from({ length: 500 }, (_, i) => auditEvent(`${end}-${i}`)).join("\n")
  const sent = await postern(["send", "--profile", profile, "--format", "kubernetes"], input)
  if (sent.code !== 0) throw new Error(`postern send: ${sent.text}`)
  for (const writer of writers) writer.close()
  await port.stop(end)
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Writes at least so many events that are accepted; gives how many were. */
async function writeShare(writer: FramedWriter, number: number, events: number): Promise<number> {
  let valid = 0
  for (let batch = 0; valid < events; batch++) {
    const count = batchSizes[(batch + number) % batchSizes.length] as number
    const texts = Array.from({ length: count }, (_, i) => eventText(number, valid + i))
    // Now and then one that is refused: its sequence number has no entry.
    if (batch % 10 === 9) texts.push('{"action":"nothing.else"}')
    await writer.send(texts)
    valid += count
  }
  await writer.flush()
  const accepted = writer.acks.reduce((sum, ack) => sum + ack.accepted, 0)
  if (accepted !== valid) throw new Error(`${valid} events, ${accepted} were accepted`)
  return accepted
}

function eventText(writer: number, i: number): string {
  return JSON.stringify({
    id: `${writer}-${i}`,
    time: "2026-11-22T12:00:00.123Z",
    source: "app://interop",
    action: "invoice.deleted",
    outcome: "success",
    actor: { type: "user", id: `user-${i % 97}` },
    targets: [{ type: "invoice", id: String(i) }],
    data: { note: "äöü \u{1f512} ".repeat(i % 5), zeros: "0".repeat(i % 300) },
  })
}

function auditEvent(id: string): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: id,
    stage: "ResponseComplete",
    requestURI: "/api/v1/pods",
    verb: "list",
    user: { username: "admin" },
    objectRef: { resource: "pods", apiVersion: "v1" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-11-22T12:00:00.000000Z",
    stageTimestamp: "2026-11-22T12:00:00.000000Z",
  })
}
