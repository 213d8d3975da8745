import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { platform, release } from "node:os"
import { fileURLToPath } from "node:url"
import type { Report } from "./report.ts"

const page = fileURLToPath(new URL("../../docs/assurance.md", import.meta.url))
const title = `# What was tried

Figures of the long runs. The programmes write them here themselves (\`--record\`).
`

/** The programmes that have a section of this page. */
const programmes = {
  crash: {
    title: "Crashes",
    begin: "<!-- crash programme: written by test/crash/main.ts, not by hand -->",
    end: "<!-- end of the crash programme -->",
    command: "node test/crash/main.ts --long --record",
  },
  sim: {
    title: "Simulated disk",
    begin: "<!-- simulated disk: written by test/sim/main.ts, not by hand -->",
    end: "<!-- end of the simulated disk -->",
    command: "node test/sim/main.ts --long --record",
  },
} as const
type Programme = keyof typeof programmes

/** Puts the counts of a long run into docs/assurance.md, in the place of those of the run before. */
export function recordRun(report: Report, seed: number, name: Programme = "crash"): void {
  const { begin, end } = programmes[name]
  const text = existsSync(page) ? readFileSync(page, "utf8") : title
  const section = `${begin}\n${describe(report, seed, name)}${end}\n`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  const whole =
    from < 0 || to < from
      ? `${text.trimEnd()}\n\n${section}`
      : text.slice(0, from) + section + text.slice(to + end.length + 1)
  writeFileSync(page, whole)
}

function describe(report: Report, seed: number, name: Programme): string {
  const date = new Date().toISOString().slice(0, 10)
  const minutes = Math.round(report.seconds / 60)
  const { passed, failed } = report
  const machine = `Node ${process.versions.node}, ${platform()} ${release()}`
  const { title: heading, command } = programmes[name]
  const lines = [
    `## ${heading}`,
    "",
    `Last long run: ${date}, ${minutes} minutes, ${machine}, seed ${seed}: **${passed} checks passed, ${failed} failed**.`,
    `\`${command}\` makes this section.`,
    "",
    "| part | figure | count |",
    "|---|---|---:|",
  ]
  for (const [part, figures] of report.figures()) {
    for (const [figure, count] of figures) {
      lines.push(`| ${part} | ${figure} | ${count.toLocaleString("en")} |`)
    }
  }
  return `${lines.join("\n")}\n`
}
