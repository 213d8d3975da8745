/**
 * OpenTelemetry's own SDK for JavaScript, both of its HTTP exporters for logs, over mutual TLS into a real port: through an outage at the
 * start, answers that get lost, a kill of the port. What an exporter believes delivered is in the log once, as it was said.
 */
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http"
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto"
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base"
import { resourceFromAttributes } from "@opentelemetry/resources"
import {
  BatchLogRecordProcessor,
  LoggerProvider,
  type LogRecordExporter,
} from "@opentelemetry/sdk-logs"
import { Entries, type Indexed } from "../support/entries.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { pause } from "../support/waiting.ts"
import { CutProxy } from "./cut-proxy.ts"
import { startPort } from "./port-process.ts"
import type { Results } from "./results.ts"

const encodings = { protobuf: ProtobufExporter, JSON: JsonExporter } as const
type Encoding = keyof typeof encodings
const senders = 6
const rounds = 3
const roundRecords = 25
const outageMs = 700
const downMs = 500
/** An exporter gives up after its timeout, and what it had is lost by its own decision. */
const timeoutMillis = 25_000
/** Of what the port says on a new connection: in its handshake, and between that and the end of its answer. */
const cuts = [500, 1_900, 2_000, 2_100, 2_200, 2_300, 2_400, 2_500, 2_600, 2_700]

/** What the exporters were told: by the record's number. */
interface Told {
  readonly delivered: Set<string>
  readonly given: Set<string>
}

export async function checkOtlp(results: Results): Promise<void> {
  const installation = (await Installation.make()).keepAll()
  const identity = await installation.writer("otel", { adapters: ["otlp"], actions: ["invoice.*"] })
  let port = await startPort(installation.configFile)
  let address = { host: "127.0.0.1", port: 1 } // Nobody is there yet.
  const proxy = await CutProxy.start(() => address)
  try {
    const told = { delivered: new Set<string>(), given: new Set<string>() }
    const url = `https://127.0.0.1:${proxy.port}/v1/logs`
    const providers = (Object.keys(encodings) as Encoding[]).flatMap((encoding) =>
      Array.from({ length: senders }, (_, i) => {
        const exporter = makeExporter(encoding, url, identity, installation.ca.certificate)
        return { name: `${encoding}-${i}`, provider: provide(exporter, told) }
      }),
    )
    const emit = async (round: number): Promise<void> => {
      for (const { name, provider } of providers) say(provider, `${name}-${round}`, told)
      await Promise.all(providers.map(({ provider }) => provider.forceFlush()))
    }
    const first = emit(0)
    await pause(outageMs)
    address = port.address
    await first
    proxy.cutsAfter.push(...cuts)
    await emit(1)
    const last = emit(2)
    await pause(30)
    await port.stop("SIGKILL")
    await pause(downMs)
    port = await startPort(installation.configFile)
    address = port.address
    await last
    await Promise.all(providers.map(({ provider }) => provider.shutdown()))
    await check(results, installation, told)
  } finally {
    await proxy.stop()
    await port.stop("SIGTERM")
    installation.remove()
  }
}

function makeExporter(encoding: Encoding, url: string, { certificate, key }: Identity, ca: string) {
  const httpAgentOptions = { ca, cert: certificate, key, keepAlive: false }
  const compression = encoding === "JSON" ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE
  return new encodings[encoding]({ url, timeoutMillis, httpAgentOptions, compression })
}

/** Notes what the exporter believes. */
function provide(exporter: LogRecordExporter, told: Told): LoggerProvider {
  const noting: LogRecordExporter = {
    export(records, done) {
      exporter.export(records, (result) => {
        const numbers = records.map(({ attributes }) => String(attributes["invoice.id"]))
        if (result.code === 0) for (const number of numbers) told.delivered.add(number)
        done(result)
      })
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  }
  return new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "billing" }),
    processors: [new BatchLogRecordProcessor({ exporter: noting, maxExportBatchSize: 10 })],
  })
}

function say(provider: LoggerProvider, name: string, told: Told): void {
  const logger = provider.getLogger("interop", "1")
  for (let i = 0; i < roundRecords; i++) {
    const number = `${name}-${i}`
    told.given.add(number)
    logger.emit({
      eventName: "invoice.deleted",
      body: `ä "${number}"`,
      severityNumber: 9,
      attributes: { "invoice.id": number, "enduser.id": "alice", list: [1, "two", true] },
    })
  }
}

async function check(results: Results, installation: Installation, told: Told): Promise<void> {
  const entries = await Entries.follow(installation.log)
  const all = (await entries.all()).filter(({ event }) => event.action === "invoice.deleted")
  await entries.close()
  const counts = new Map<string, number>()
  for (const entry of all) counts.set(numberOf(entry), (counts.get(numberOf(entry)) ?? 0) + 1)
  const missing = [...told.delivered].filter((number) => !counts.has(number))
  const twice = [...counts].filter(([number, count]) => count > 1 || !told.given.has(number))
  const wanted = 2 * senders * rounds * roundRecords
  results.check(told.given.size === wanted, `${wanted} records given to the SDK`)
  results.check(
    told.delivered.size === wanted,
    `${told.delivered.size} of them delivered, as the exporters believe`,
  )
  results.check(missing.length === 0, "each of these is in the log", missing.slice(0, 5).join(", "))
  results.check(twice.length === 0, "and none twice", String(twice.slice(0, 5)))
  const wrong = all.filter((entry) => !isRight(entry))
  results.check(wrong.length === 0, "each says what was said", JSON.stringify(wrong[0]?.event))
}

interface OtlpData {
  readonly otlp: { readonly attributes: { key: string; value: { stringValue?: string } }[] }
  readonly bytes?: string
}

function numberOf({ event }: Indexed): string {
  const { otlp } = event.data as unknown as OtlpData
  const number = otlp.attributes.find(({ key }) => key === "invoice.id")
  return number?.value.stringValue ?? ""
}

function isRight(entry: Indexed): boolean {
  const { source, actor, outcome, severity, data } = entry.event
  const { otlp, bytes } = data as unknown as OtlpData
  const said = JSON.stringify(otlp)
  const list = '{"values":[{"intValue":"1"},{"stringValue":"two"},{"boolValue":true}]}'
  return (
    source === "app://billing" &&
    JSON.stringify(actor) === '{"type":"user","id":"alice"}' &&
    `${outcome} ${severity}` === "unknown info" &&
    said.includes(JSON.stringify(`ä "${numberOf(entry)}"`)) &&
    said.replaceAll('{"intValue":1}', '{"intValue":"1"}').includes(list) &&
    numberOf(entry).startsWith(bytes === undefined ? "JSON" : "protobuf")
  )
}
