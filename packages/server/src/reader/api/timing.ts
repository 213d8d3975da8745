/** How long the parts of an answer took, for the header Server-Timing (W3C Server Timing), in milliseconds. */
export interface Timing {
  /** Takes the time of one part; parts may overlap. */
  of<T>(part: string, act: Promise<T>): Promise<T>
  /** `record;dur=1.2, find;dur=3.4` */
  header(): string
}

export function startTiming(elapsedMs: () => number): Timing {
  const parts: string[] = []
  return {
    async of(part, act) {
      const begin = elapsedMs()
      try {
        return await act
      } finally {
        parts.push(`${part};dur=${(elapsedMs() - begin).toFixed(2)}`)
      }
    },
    header: () => parts.join(", "),
  }
}
