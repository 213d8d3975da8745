import { setTimeout as wait } from "node:timers/promises"

/** Rejects, naming `what`, if the promise takes longer. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} takes longer than ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const pollMs = 20

/** Asks again and again until the answer is not undefined. For states that nobody announces. */
export async function until<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  ms: number,
  what: string,
): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`${what} does not come about within ${ms} ms`)
    await pause(pollMs)
  }
}

/** For chosen moments only (when to kill, how often to ask), never for hoping that something has happened. */
export function pause(ms: number): Promise<void> {
  return wait(ms)
}
