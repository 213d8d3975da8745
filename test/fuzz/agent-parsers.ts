import { gunzipSync, gzipSync } from "node:zlib"
import { isPosternError } from "@postern/log/base"
import { ForwardReader } from "../../packages/server/src/agent/records/index.ts"
import { parseAgentSettings } from "../../packages/server/src/agent/settings/index.ts"
import { demand } from "./event-desk.ts"
import { type Parser, parserOf, placeless } from "./parser.ts"

const settings = `profile: writer.profile
state: /var/lib/postern-agent
spool: { bytesMax: 1048576, whenFull: wait }
sources:
  - name: audit
    file: /var/log/audit/*.log
    start: end
    format: auditd
    source: host://web-1
  - name: shop
    socket: { path: shop.sock, framing: octets }
    mapping: shop.yaml
    spool: { whenFull: dropOldest }
  - name: hosts
    syslog: { tcp: "127.0.0.1:5514", udp: "[::1]:5514" }
  - name: web
    http: { address: "127.0.0.1:9000", tls: { certificate: a.crt, key: a.key } }
  - name: fluent
    forward: { address: "127.0.0.1:24224" }
`

const settingsParser = parserOf({
  name: "agent-settings",
  codes: ["CONFIG_INVALID"],
  seeds: [
    settings,
    "{profile: p, state: s, sources: [{name: a, stdin: true}]}",
    "profile: p\nstate: s\nsources:\n  - name: a\n    file: x\n",
  ],
  bad: [
    ...["", "[]", "profile: p", "profile: p\nstate: s\nsources: []\n", `x: ${"[".repeat(5_000)}`],
    settings.replace("name: shop", "name: audit"),
    settings.replace("127.0.0.1:24224", "0.0.0.0:24224"),
    settings.replace("format: auditd", "format: nobody"),
    `${settings}${"# much\n".repeat(50_000)}`,
  ],
  parse: placeless((text) => parseAgentSettings(text, "/etc/postern/agent.yaml")),
})

interface Forwarded {
  readonly records: readonly unknown[]
  readonly chunk: string | undefined
}

/** Messages of a connection, whatever the network makes of its bytes; every record is JSON. */
function readForward(bytes: Uint8Array): Forwarded[] {
  const [one, other] = [forwarded(bytes, Math.max(1, bytes.length)), forwarded(bytes, 1_021)]
  const isSame = JSON.stringify(one.messages) === JSON.stringify(other.messages)
  demand(isSame || one.failure !== undefined, "another chunking gives other messages")
  demand(one.failure?.code === other.failure?.code, "another chunking ends otherwise")
  if (one.failure !== undefined) throw one.failure
  return one.messages
}

function forwarded(bytes: Uint8Array, chunkBytes: number) {
  const reader = new ForwardReader((packed) => gunzipSync(packed, { maxOutputLength: 1 << 22 }))
  const messages: Forwarded[] = []
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      for (const { records, chunk } of reader.push(
        Buffer.from(bytes.subarray(at, at + chunkBytes)),
      )) {
        messages.push({ records: records.map((record) => JSON.parse(record.toString())), chunk })
      }
    }
  } catch (error) {
    if (!isPosternError(error)) throw error
    return { messages, failure: error }
  }
  return { messages, failure: undefined }
}

/** The tag `t`; a time; records. */
const tag = "a174"
const time = "d7006922b2800000000a"
const record = "82a76d657373616765a16da16ecb3ff8000000000000"
const pairOf = (one: string): string => `92${time}${one}`
const bytesOf = (hex: string): string => `c4${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`
const packed = pairOf(record)
const zipped = gzipSync(Buffer.from(packed, "hex")).toString("hex")
const messages = [
  `94${tag}${time}${record}81a56368756e6ba163`,
  `93${tag}92${packed}${pairOf("80")}81a56368756e6ba163`,
  `92${tag}${bytesOf(packed + packed)}`,
  `93${tag}${bytesOf(zipped)}82a56368756e6ba163aa636f6d70726573736564a4677a6970`,
  // A record with a name that is no text, an ext, bytes, nil, and a list.
  `93${tag}0184a16bc0a161d6050102030402c402ff00a16c9201c3`,
]

const forwardParser = parserOf({
  name: "agent-forward",
  codes: ["HTTP_BODY_SYNTAX"],
  seeds: [...messages, messages.join("")].map((hex) => new Uint8Array(Buffer.from(hex, "hex"))),
  bad: ["c1", "00", "91a174", "92a17401", "93a174a17880", "91".repeat(40)].map((hex) => {
    return new Uint8Array(Buffer.from(hex, "hex"))
  }),
  parse: readForward,
})

export const agentParsers: readonly Parser[] = [settingsParser, forwardParser]
