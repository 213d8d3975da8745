import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, openSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import type { Identity } from "../support/installation.ts"
import { until } from "../support/waiting.ts"
import { freePorts, run } from "./port-process.ts"

/** Where .ci/run unpacks what cannot be installed beside the other (the two Debian packages exclude each other). */
const unpacked = "/opt/postern-counterparties"
const libraries = [
  ...["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/x86_64-linux-gnu"],
  ...["lib/aarch64-linux-gnu", "usr/lib/syslog-ng"],
]
const waitMs = 30_000

/** One of the two, and how it is made to send. */
export interface SenderKind {
  readonly name: "rsyslog" | "syslog-ng"
  /** @param from its own plain port, @param to the syslog plane */
  config(place: string, from: number, to: number, framing: "counted" | "lines"): string
  args(place: string): readonly string[]
}

const root = (name: string): string => join(unpacked, name)
/** What a daemon needs to find its libraries. */
export const env = (name: string): NodeJS.ProcessEnv => ({
  ...process.env,
  LD_LIBRARY_PATH: libraries.map((path) => join(root(name), path)).join(":"),
})

export function daemonOf({ name }: Pick<SenderKind, "name">): string {
  return join(root(name), "usr/sbin", name === "rsyslog" ? "rsyslogd" : "syslog-ng")
}

function moduleDirectory(name: string, paths: readonly string[]): string {
  return paths.map((path) => join(root(name), path)).find((path) => existsSync(path)) ?? ""
}

export const rsyslog: SenderKind = {
  name: "rsyslog",
  config: (place, from, to, framing) => `global(workDirectory="${place}"
  defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="${place}/ca.pem"
  defaultNetstreamDriverCertFile="${place}/cert.pem" defaultNetstreamDriverKeyFile="${place}/key.pem")
module(load="imtcp")
input(type="imtcp" port="${from}" address="127.0.0.1")
action(type="omfwd" target="127.0.0.1" port="${to}" protocol="tcp"
  TCP_Framing="${framing === "counted" ? "octet-counted" : "traditional"}"
  StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid"
  template="RSYSLOG_SyslogProtocol23Format" queue.type="LinkedList" queue.size="100000"
  action.resumeRetryCount="-1" action.resumeInterval="1")
`,
  args: (place) => {
    const paths = ["x86_64", "aarch64"].map((cpu) => `usr/lib/${cpu}-linux-gnu/rsyslog`)
    const modules = moduleDirectory("rsyslog", paths)
    return ["-n", "-f", `${place}/conf`, "-i", `${place}/pid`, "-M", modules]
  },
}

export const syslogNg: SenderKind = {
  name: "syslog-ng",
  config: (place, from, to, framing) => `@version: 3.38
options { keep-hostname(yes); stats-freq(0); };
source incoming { network(ip("127.0.0.1") port(${from}) transport("tcp") log-iw-size(10000)); };
destination postern {
  ${framing === "counted" ? "syslog" : "network"}("127.0.0.1" port(${to}) transport("tls") time-reopen(1)
    log-fifo-size(100000) tls(ca-file("${place}/ca.pem") cert-file("${place}/cert.pem")
    key-file("${place}/key.pem") peer-verify(required-trusted)));
};
log { source(incoming); destination(postern); flags(flow-control); };
`,
  args: (place) => [
    ...["-F", "-f", `${place}/conf`, "-R", `${place}/persist`, "-p", `${place}/pid`],
    ...["-c", `${place}/control`, "--no-caps"],
    ...["--module-path", moduleDirectory("syslog-ng", ["usr/lib/syslog-ng/3.38"])],
  ],
}

/** Why there is no such sender here; undefined if there is one. */
export async function whyNoSender(kind: SenderKind): Promise<string | undefined> {
  const daemon = daemonOf(kind)
  const flag = kind.name === "rsyslog" ? "-v" : "--version"
  const ran = await run(daemon, [flag], { env: env(kind.name) }).catch(() => undefined)
  return ran?.code === 0 ? undefined : `there is no ${daemon} (.ci/run unpacks it)`
}

/** A running syslog daemon that sends what it is told to the port, over TLS with a certificate. */
export class SyslogSender {
  readonly #child: ChildProcess
  readonly #feed: Socket

  private constructor(child: ChildProcess, feed: Socket) {
    this.#child = child
    this.#feed = feed
  }

  static async start(
    kind: SenderKind,
    place: string,
    where: { readonly to: number; readonly framing: "counted" | "lines" },
    identity: Identity,
    ca: string,
  ): Promise<SyslogSender> {
    mkdirSync(place, { recursive: true })
    const [from = 0] = await freePorts(1)
    const files = { "ca.pem": ca, "cert.pem": identity.certificate, "key.pem": identity.key }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text)
    writeFileSync(join(place, "conf"), kind.config(place, from, where.to, where.framing))
    const said = openSync(join(place, "said"), "w")
    const child = spawn(daemonOf(kind), kind.args(place), {
      ...{ env: env(kind.name), stdio: ["ignore", said, said] },
    })
    const feed = await until(() => tryConnect(from), waitMs, `${kind.name} on its own port`)
    return new SyslogSender(child, feed)
  }

  /** The daemon does not say when it has sent it. */
  tell(lines: readonly string[]): void {
    this.#feed.write(lines.map((line) => `<38>Nov 23 08:00:00 host app[1]: ${line}\n`).join(""))
  }

  async stop(): Promise<void> {
    this.#feed.destroy()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, "exit")
    this.#child.kill("SIGKILL")
    await ended
  }
}

async function tryConnect(port: number): Promise<Socket | undefined> {
  const socket = connect(port, "127.0.0.1")
  const isThere = await once(socket, "connect").then(
    () => true,
    () => false,
  )
  return isThere ? socket.on("error", () => undefined) : undefined
}
