import { PosternError } from "@postern/log/base"

/** Lets so many through at a time; who comes beyond that is told to come back. */
export interface Gate {
  /** @throws PosternError OVERLOADED */
  pass<T>(act: () => Promise<T>): Promise<T>
}

/** @param what in the plural, for the message */
export function openGate(max: number, what: string): Gate {
  let running = 0
  return {
    async pass(act) {
      if (running >= max) throw new PosternError("OVERLOADED", `${running} ${what} are running`)
      running++
      try {
        return await act()
      } finally {
        running--
      }
    },
  }
}
