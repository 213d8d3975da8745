import type { Row } from "./row.ts"

export function rowAt(index: number): Row {
  return { index, received: index * 1000, writer: "w", event: { n: index }, isDoubtful: false }
}

export function rowsOf(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => rowAt(from + i))
}

/** Everything that was begun has come, as far as it waits for nothing else. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}
