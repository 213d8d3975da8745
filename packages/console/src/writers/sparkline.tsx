import { formatCount } from "../look/index.ts"

const width = 120
const height = 22

/** Entries in each of the last hours, oldest first. */
export function Sparkline({ counts }: { readonly counts: readonly number[] }) {
  const most = Math.max(...counts, 1)
  const step = width / Math.max(counts.length, 1)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const title = `${formatCount(total)} in the last ${counts.length} hours, at most ${formatCount(Math.max(...counts, 0))} in one`
  return (
    <svg className="sparkline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={title}>
      <title>{title}</title>
      {counts.map((count, hour) => {
        const tall = count === 0 ? 1 : Math.max(2, (height * count) / most)
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: an hour is its place
            key={hour}
            data-empty={count === 0}
            x={hour * step}
            y={height - tall}
            width={Math.max(1, step - 1.2)}
            height={tall}
          />
        )
      })}
    </svg>
  )
}
