import { spawn } from "node:child_process"
import { PosternError } from "@postern/log/base"

const outputBytesMax = 67_108_864
const timeoutMs = 20_000
/** Administrators' programs, which are not in everybody's PATH. */
const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`

/**
 * Runs a program of the host to its end; what it wrote to standard output. Errors: FIREWALL_FAILED, with what it wrote
 * to standard error.
 */
export function runTool(command: string, args: readonly string[], input = ""): Promise<string> {
  const failed = (why: string, cause?: unknown) =>
    new PosternError("FIREWALL_FAILED", `${[command, ...args].join(" ")}: ${why}`, { cause })
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, PATH: path }, timeout: timeoutMs })
    const output: Buffer[] = []
    let bytes = 0
    let said = ""
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > outputBytesMax) child.kill()
      else output.push(chunk)
    })
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(0, 2_000)
    })
    child.on("error", (error) => reject(failed(error.message, error)))
    child.on("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString())
      else reject(failed(said.trim().split("\n")[0] || `ended with ${code ?? signal}`))
    })
    // A program that ends before it has read everything says so by its exit code.
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
  })
}

/**
 * Runs programs one after the other in a network namespace of their own, which ends with them: what they make of a text
 * is the kernel's own form of it, and touches nothing. Errors: FIREWALL_FAILED, also where namespaces are not allowed.
 */
export function runApart(script: string, input: string): Promise<string> {
  return runTool("unshare", ["--net", "sh", "-c", script], input)
}
