import { appEvent, serialDigits, serialMark } from "./events.ts"
import { createRandom } from "./random.ts"

/** A field of bytes: its length takes at most three. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value)
  const head = [8 * number + 2]
  let rest = bytes.length
  for (; rest > 0x7f; rest >>= 7) head.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([...head, rest]), bytes])
}

function fixed64(number: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = 8 * number + 1
  bytes.writeBigUInt64LE(value, 1)
  return bytes
}

function pair(key: string, value: string): Buffer {
  return Buffer.concat([field(1, key), field(2, field(1, value))])
}

/** What an application's exporter sends: the events of the other rows, said as log records of about 330 bytes. */
export function otlpRequest(records: number, seed: number): Buffer {
  const random = createRandom(seed + 1)
  const logs = Array.from({ length: records }, () => {
    const event = appEvent(random) as {
      readonly time: string
      readonly action: string
      readonly outcome: string
      readonly actor: { readonly id: string }
      readonly targets: readonly [{ readonly type: string; readonly id: string }]
      readonly origin: { readonly ip: string; readonly userAgent: string }
    }
    const [target] = event.targets
    const ns = BigInt(Date.parse(event.time)) * 1_000_000n
    const attributes = [
      pair("enduser.id", event.actor.id),
      pair("client.address", event.origin.ip),
      pair("user_agent.original", event.origin.userAgent),
      pair("event.outcome", event.outcome),
      pair(`${target.type}.id`, target.id),
      pair("request.id", `${serialMark}-${"0".repeat(serialDigits)}`),
    ]
    return Buffer.concat([
      ...[fixed64(1, ns), Buffer.from([0x10, 9]), field(3, "INFO")],
      field(5, field(1, `${event.actor.id}: ${event.action}`)),
      ...attributes.map((attribute) => field(6, attribute)),
      ...[field(9, Buffer.alloc(16, seed + 1)), field(10, Buffer.alloc(8, seed + 1))],
      ...[fixed64(11, ns), field(12, event.action)],
    ])
  })
  const resource = ["service.name", "telemetry.sdk.language", "telemetry.sdk.version"].map((key) =>
    field(1, pair(key, "billing")),
  )
  const scope = Buffer.concat([field(1, field(1, "app")), ...logs.map((log) => field(2, log))])
  return field(1, Buffer.concat([field(1, Buffer.concat(resource)), field(2, scope)]))
}
