const namesMax = 4_096
const nameUnitsMax = 128

/**
 * The same judgement, made once for each name: events have the same few over and over. No event fills the memory: long names are judged
 * each time, and when there are too many all are forgotten.
 */
export function remembered<Judged extends object | number | boolean | null>(
  judge: (name: string) => Judged,
): (name: string) => Judged {
  const known = new Map<string, Judged>()
  return (name) => {
    const before = known.get(name)
    if (before !== undefined) return before
    const judged = judge(name)
    if (name.length > nameUnitsMax) return judged
    if (known.size >= namesMax) known.clear()
    known.set(apart(name), judged)
    return judged
  }
}

/** A piece of a longer text would keep all of that in memory. */
function apart(name: string): string {
  return Buffer.from(name, "utf16le").toString("utf16le")
}
