import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { lockDirectory } from "./lock.ts"
import { filePath } from "./log-directory.ts"
import {
  commit,
  NaiveLog,
  newDirectory,
  openStore,
  removeDirectories,
} from "./slots.test.support.ts"

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  removeDirectories()
})

/** Another process that takes the lock at `path` and keeps it. */
async function holder(path: string): Promise<ChildProcess> {
  const dist = join(import.meta.dirname, "../../dist/disk/lock.js")
  const script = `import { lockDirectory } from ${JSON.stringify(dist)}
    globalThis.held = lockDirectory(${JSON.stringify(path)}) // Or it is collected, and released with that.
    console.log("held")
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  children.push(child)
  await once(child.stdout as NodeJS.ReadableStream, "data")
  return child
}

describe("the lock", () => {
  test("is held once within a process, and free after its release", async () => {
    const path = newDirectory()
    const lock = lockDirectory(path)
    expect(() => lockDirectory(path)).toThrow(expect.objectContaining({ code: "LOG_LOCKED" }))
    lock.release()
    lockDirectory(path).release()
  })

  test("is held between processes, and free once its holder was killed", async () => {
    const path = newDirectory()
    const child = await holder(path)
    expect(() => lockDirectory(path)).toThrow(expect.objectContaining({ code: "LOG_LOCKED" }))
    const exited = once(child, "exit")
    child.kill("SIGKILL")
    await exited
    lockDirectory(path).release()
  })

  test("keeps a second writer from a log, and changes nothing for the first", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    const store = await openStore(path)
    await commit(store, log.slots([2]))
    await expect(openStore(path)).rejects.toMatchObject({ code: "LOG_LOCKED" })
    await commit(store, log.slots([2]))
    await store.close()
    const again = await openStore(path)
    expect(again.end.size).toBe(4)
    await again.close()
  })

  test("is given back when a log cannot be opened", async () => {
    const path = newDirectory()
    await (await openStore(path)).close()
    const lock = lockDirectory(filePath(path, "lock"))
    await expect(openStore(path)).rejects.toMatchObject({ code: "LOG_LOCKED" })
    lock.release()
    await (await openStore(path)).close()
  })
})
