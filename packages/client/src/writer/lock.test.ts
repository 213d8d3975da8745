import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { lockDirectory } from "./lock.ts"
import { makeDirectory, remove } from "./spool.test.support.ts"

const holder = join(import.meta.dirname, "lock.test.holder.ts")
let directory = ""
beforeEach(() => {
  directory = makeDirectory()
})
afterEach(() => remove(directory))

/** A process of its own that takes the lock; says whether it got it. */
async function startHolder(path: string) {
  const child = fork(holder, [path], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const [answer] = await once(child, "message")
  return { child, answer: answer as string }
}

const locks = () => readdirSync(directory).filter((name) => name.startsWith("lock."))

it("is had by one, and by the next once it is released", async () => {
  const lock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toMatchObject({ code: "SPOOL_LOCKED" })
  await lock.release()
  const next = await lockDirectory(directory)
  expect(locks()).toEqual(["lock.2"])
  await next.release()
})

it("ends with the process that has it, however it ends", async () => {
  const { child, answer } = await startHolder(directory)
  expect(answer).toBe("locked")
  await expect(lockDirectory(directory)).rejects.toMatchObject({ code: "SPOOL_LOCKED" })
  child.kill("SIGSTOP") // Asleep is not dead.
  await expect(lockDirectory(directory)).rejects.toMatchObject({ code: "SPOOL_LOCKED" })
  child.kill("SIGKILL")
  await once(child, "exit")
  await (await lockDirectory(directory)).release()
})

it("is had by exactly one of many who find it dead at the same time", async () => {
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockDirectory(directory)),
    )
    const got = answers.filter((answer) => answer.status === "fulfilled")
    expect(got).toHaveLength(1)
    for (const answer of answers) {
      if (answer.status === "rejected")
        expect(answer.reason).toMatchObject({ code: "SPOOL_LOCKED" })
    }
    await got[0]?.value.release()
  }
})

it("is had by exactly one of several processes", async () => {
  const holders = await Promise.all(Array.from({ length: 4 }, () => startHolder(directory)))
  expect(holders.map(({ answer }) => answer).sort()).toEqual([
    "SPOOL_LOCKED",
    "SPOOL_LOCKED",
    "SPOOL_LOCKED",
    "locked",
  ])
  for (const { child } of holders) child.kill("SIGKILL")
  await Promise.all(holders.map(({ child }) => child.exitCode ?? once(child, "exit")))
})

it("works in a directory whose path is too long for a socket", async () => {
  const long = join(directory, "x".repeat(120))
  mkdirSync(long)
  const lock = await lockDirectory(long)
  await expect(lockDirectory(long)).rejects.toMatchObject({ code: "SPOOL_LOCKED" })
  await lock.release()
  await (await lockDirectory(long)).release()
})

it("leaves one file, not one for each start", async () => {
  for (let start = 0; start < 5; start++) await (await lockDirectory(directory)).release()
  expect(locks()).toEqual(["lock.5"])
})
