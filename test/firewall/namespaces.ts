import { spawn } from "node:child_process"
import { within } from "../support/waiting.ts"

/** Whose rights the namespaces are made with. */
export type Rights = "root" | "nobody" | "this user"

const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
const apart = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

/** As root both ways can be tried; otherwise only with a user namespace. */
export function everyRights(): readonly Rights[] {
  return process.geteuid?.() === 0 ? ["root", "nobody"] : ["this user"]
}

/** Runs a program in namespaces of its own, which end with it; what it wrote, or throws with what it said. */
export async function runApart(
  rights: Rights,
  program: readonly string[],
  input = "",
): Promise<string> {
  const words = [
    ...(rights === "nobody" ? nobody : []),
    "unshare",
    ...(rights === "root" ? [] : ["--user", "--map-root-user"]),
    ...apart,
    ...program,
  ]
  const [command = "", ...args] = words
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` }
  const child = spawn(command, args, { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"] })
  let output = ""
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000)
  })
  child.stdin.on("error", () => undefined)
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  try {
    const code = await within(ended, 180_000, program.join(" "))
    if (code === 0) return output
    throw new Error(`${program.join(" ")} ended with ${code}: ${said || output}`)
  } finally {
    child.kill("SIGKILL")
  }
}

/** Undefined if the firewalls can be tried; otherwise why not. */
export async function obstacle(rights: Rights): Promise<string | undefined> {
  const attempt =
    "mount -t tmpfs tmpfs /run && ip netns add a && nft list tables && ip6tables-save -t raw"
  try {
    await runApart(rights, ["sh", "-c", attempt])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
