/** A line of the Prometheus text format that has labels. */
export interface LabelledFigure {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The lines of one metric, in their order; those that are not understood are none. */
export function labelledFigures(metrics: string, name: string): LabelledFigure[] {
  return metrics.split("\n").flatMap((line) => {
    if (!line.startsWith(`${name}{`)) return []
    const end = line.lastIndexOf("} ")
    const value = Number(line.slice(end + 2))
    const labels = readLabels(line.slice(name.length + 1, end))
    return end < 0 || labels === undefined || !Number.isFinite(value) ? [] : [{ labels, value }]
  })
}

const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(,|$)/y

function readLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const [, name, value = ""] = label.exec(text) ?? []
    if (name === undefined) return undefined
    labels[name] = value.replaceAll(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one))
  }
  return labels
}
