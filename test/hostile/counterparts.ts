import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { within } from "../support/waiting.ts"
import type { Ground } from "./row.ts"

/** What other TLS clients can do and Node's cannot: programs that the machine has. */

const endMsMax = 20_000

/** The identity as files, while `use` runs. */
async function asFiles<T>(
  { ca, writer }: Ground,
  use: (files: Record<"ca" | "cert" | "key", string>) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "postern-files-"))
  try {
    const files = {
      ca: join(directory, "ca"),
      cert: join(directory, "cert"),
      key: join(directory, "key"),
    }
    writeFileSync(files.ca, ca)
    writeFileSync(files.cert, writer.certificate)
    writeFileSync(files.key, writer.key, { mode: 0o600 })
    return await use(files)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function told(child: ReturnType<typeof spawn>): { text(): string; end: Promise<unknown> } {
  let text = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
    })
  }
  child.on("error", (error) => {
    text += String(error)
  })
  child.stdin?.on("error", () => undefined) // It has ended, which is what counts.
  return { text: () => text, end: once(child, "close") }
}

/** A connection of `openssl s_client` on which `count` updates of the keys are asked for, then a request is made. */
export function updateKeys(ground: Ground, count: number, request: string): Promise<string> {
  return asFiles(ground, async ({ ca, cert, key }) => {
    const { host, port } = ground.call
    const to = ["s_client", "-connect", `${host}:${port}`, "-alpn", "http/1.1"]
    const child = spawn("openssl", [...to, "-CAfile", ca, "-cert", cert, "-key", key])
    const { text, end } = told(child)
    await within(once(child.stdout, "data"), endMsMax, "a connection of openssl")
    const updates = (): number => text().match(/KEYUPDATE/g)?.length ?? 0
    const made = async (wanted: number): Promise<void> => {
      while (updates() < wanted) await once(child.stderr, "data")
    }
    for (let i = 1; i <= count; i++) {
      // It looks at the first letter only of what it reads at once, so each has to be read before the next.
      child.stdin.write("K\n")
      await Promise.race([within(made(i), endMsMax, "an update of the keys"), end])
    }
    child.stdin.write(request)
    const answer = new Promise<void>((resolve) => {
      child.stdout.on("data", () => {
        if (/HTTP\/1\.1 [\s\S]*\}/.test(text())) resolve()
      })
    })
    await Promise.race([within(answer, endMsMax, "an answer to openssl"), end])
    child.kill("SIGKILL")
    const isFlood = updates() > count / 2
    const status = /HTTP\/1\.1 (\d+)/.exec(text())?.[1]
    const accepted = /"accepted":(\d+)/.exec(text())?.[1]
    return `${isFlood ? "updated" : updates()}, ${status} accepted ${accepted}`
  })
}

const urgent = `
import os, socket, ssl, sys
host, port, ca, cert, key = sys.argv[1:6]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
context.load_cert_chain(cert, key)
context.set_alpn_protocols(["http/1.1"])
raw = socket.create_connection((host, int(port)), timeout=15)
tls = context.wrap_socket(raw)
aside = socket.socket(fileno=os.dup(tls.fileno()))
request = sys.stdin.buffer.read()
tls.sendall(request[:40])
aside.send(b"!", socket.MSG_OOB)
tls.sendall(request[40:])
answer = b""
while b"}" not in answer:
    more = tls.recv(4096)
    if not more: break
    answer += more
sys.stdout.buffer.write(answer)
`

/** A request over TLS with an urgent byte of TCP between its records. */
export function sendUrgent(ground: Ground, request: Uint8Array): Promise<string> {
  return asFiles(ground, async ({ ca, cert, key }) => {
    const { host, port } = ground.call
    const child = spawn("python3", ["-c", urgent, host, String(port), ca, cert, key])
    const { text, end } = told(child)
    child.stdin.end(request)
    await within(end, endMsMax, "the end of python")
    const status = /HTTP\/1\.1 (\d+)/.exec(text())?.[1]
    const accepted = /"accepted":(\d+)/.exec(text())?.[1]
    return status === undefined ? text().slice(-300) : `${status} accepted ${accepted}`
  })
}
