import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { bind } from "./binding.ts"
import { heldAddresses, tellHeldSockets } from "./held-sockets.ts"

const two = [
  { host: "127.0.0.1", port: 1 },
  { host: "::1", port: 1 },
]
const passed = (names: string, count = names.split(":").length) => ({
  ...{ LISTEN_PID: "7", LISTEN_FDS: String(count), LISTEN_FDNAMES: names },
})

test("each address gets the socket of its plane, in the order of the configuration", () => {
  const fds = heldAddresses("write", two, passed("ops:write:write"), 7).map(({ fd }) => fd)
  expect(fds).toEqual([4, 5])
})

test("without passed sockets, or with those of another process, addresses stay as they are", () => {
  expect(heldAddresses("write", two, {}, 7)).toBe(two)
  expect(heldAddresses("write", two, passed("write:write"), 8)).toBe(two)
})

test.each([
  ["too few", passed("write")],
  ["too many", passed("write:write:write")],
  ["of another plane", passed("read:read")],
  ["without names", { LISTEN_PID: "7", LISTEN_FDS: "2" }],
  ["with fewer names than sockets", passed("write:write", 3)],
  ["as many as no number", { ...passed("write:write"), LISTEN_FDS: "two" }],
  ["none, said aloud", { ...passed(""), LISTEN_FDS: "0" }],
])("sockets that are %s are refused", (_what, env) => {
  expect(() => heldAddresses("write", two, env, 7)).toThrow(/CONFIG_INVALID|passed/)
})

/** A child that gets a listening socket as its descriptor 3, listens on it as `address` says, and tells what came of it. */
async function inChild(listened: string, address: object): Promise<string> {
  const holder = createServer()
  holder.listen(0, listened)
  await once(holder, "listening")
  const { port } = holder.address() as { port: number }
  const script = `
    import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
    import { bind } from ${JSON.stringify(new URL("./binding.ts", import.meta.url).href)}
    const server = createServer()
    const address = { port: ${port}, ...${JSON.stringify(address)}, fd: 3 }
    bind(server, address).then((at) => console.log(at.replace(${port}, "PORT")), (error) => console.log(error.code + " " + error.message))
      .finally(() => process.exit())`
  const { fd } = (holder as unknown as { _handle: { fd: number } })._handle
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit", fd],
  })
  let said = ""
  child.stdout?.on("data", (chunk) => {
    said += String(chunk)
  })
  await once(child, "close")
  holder.close()
  return said.trim()
}

test("a passed socket is listened on, if it is where the configuration says", async () => {
  expect(await inChild("127.0.0.1", { host: "127.0.0.1" })).toBe("127.0.0.1:PORT")
  expect(await inChild("127.0.0.1", { host: "127.0.0.1", port: 0 })).toBe("127.0.0.1:PORT")
})

test("a passed socket that is somewhere else is refused", async () => {
  expect(await inChild("127.0.0.1", { host: "127.0.0.1", port: 9 })).toContain("CONFIG_INVALID")
  expect(await inChild("127.0.0.2", { host: "127.0.0.1" })).toContain("127.0.0.2:")
})

test("a wildcard is refused though somebody else bound it", async () => {
  expect(await inChild("0.0.0.0", { host: "0.0.0.0" })).toContain("BIND_REFUSED")
})

test("what is no listening socket is refused", async () => {
  const server = createServer()
  const address = { host: "127.0.0.1", port: 1, fd: 1_000 }
  await expect(bind(server, address)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
})

test("which passed sockets it serves is told as the kernel numbers them, and taken back when none were passed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "postern-held-"))
  const file = join(directory, "sockets.json")
  const failed = (error: unknown) => expect.unreachable(String(error))
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  const address = { host: "127.0.0.1", port: 1, fd }
  // Over what another process left.
  for (let n = 0; n < 2; n++) tellHeldSockets(file, [address], failed)
  const { pid, inodes } = JSON.parse(readFileSync(file, "utf8"))
  expect(pid).toBe(process.pid)
  expect(statSync(file).mode & 0o027).toBe(0)
  if (process.platform === "linux") {
    const table = readFileSync("/proc/self/net/tcp", "utf8")
    expect(inodes).toHaveLength(1)
    expect(table).toMatch(new RegExp(`0100007F:\\S+ 00000000:0000 0A .* ${inodes[0]} `))
  }
  tellHeldSockets(file, two, failed)
  expect(readdirSync(directory)).toEqual([])
  const said: unknown[] = []
  tellHeldSockets(join(directory, "none/sockets.json"), [address], (error) => said.push(error))
  expect(said).toHaveLength(1)
  server.close()
  rmSync(directory, { recursive: true })
})
