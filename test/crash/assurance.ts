import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { platform, release } from "node:os"
import { fileURLToPath } from "node:url"
import type { Counts } from "./report.ts"

const page = fileURLToPath(new URL("../../docs/assurance.md", import.meta.url))
const title = `# What was tried

Figures of the long runs, and of programmes that have one form only. They write them here themselves (\`--record\`).
`

/** The sections of this page, each written by one programme. */
const sections = {
  crash: {
    title: "Crashes",
    begin: "<!-- crash programme: written by test/crash/main.ts, not by hand -->",
    end: "<!-- end of the crash programme -->",
    command: "node test/crash/main.ts --long --record --section crash",
  },
  matrix: {
    title: "Crash matrix",
    begin: "<!-- crash matrix: written by test/crash/main.ts, not by hand -->",
    end: "<!-- end of the crash matrix -->",
    command: "node test/crash/main.ts --long --record --section matrix",
  },
  sim: {
    title: "Simulated disk",
    begin: "<!-- simulated disk: written by test/sim/main.ts, not by hand -->",
    end: "<!-- end of the simulated disk -->",
    command: "node test/sim/main.ts --long --record",
  },
  fuzz: {
    title: "Parsers",
    begin: "<!-- parsers: written by test/fuzz/main.ts, not by hand -->",
    end: "<!-- end of the parsers -->",
    command: "node test/fuzz/main.ts --long --record",
  },
  hostile: {
    title: "Hostile inputs",
    begin: "<!-- hostile inputs: written by test/hostile/main.ts, not by hand -->",
    end: "<!-- end of hostile inputs -->",
    command: "node test/hostile/main.ts --long --record",
  },
  drills: {
    title: "Drills",
    begin: "<!-- drills: written by test/drills/main.ts, not by hand -->",
    end: "<!-- end of the drills -->",
    command: "node test/drills/main.ts --record",
  },
  erasure: {
    title: "Erasure",
    begin: "<!-- erasure: written by test/erasure/main.ts, not by hand -->",
    end: "<!-- end of erasure -->",
    command: "node test/erasure/main.ts --long --record",
  },
  firewall: {
    title: "Firewall",
    begin: "<!-- firewall: written by test/firewall/main.ts, not by hand -->",
    end: "<!-- end of the firewall -->",
    command: "node test/firewall/main.ts --record",
  },
  deploy: {
    title: "Installation and operation",
    begin: "<!-- deploy: written by test/deploy/main.ts, not by hand -->",
    end: "<!-- end of deploy -->",
    command: "node test/deploy/main.ts --record",
  },
  interop: {
    title: "Other people's code",
    begin: "<!-- interop: written by test/interop/main.ts, not by hand -->",
    end: "<!-- end of interop -->",
    command: "node test/interop/main.ts --record",
  },
} as const
export type Section = keyof typeof sections

/** Puts the counts of a run into docs/assurance.md, in the place of those of the run before. */
export function recordRun(counts: Counts, name: Section, seed?: number): void {
  const { begin, end } = sections[name]
  const text = existsSync(page) ? readFileSync(page, "utf8") : title
  const section = `${begin}\n${describe(counts, name, seed)}${end}\n`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  const whole =
    from < 0 || to < from
      ? `${text.trimEnd()}\n\n${section}`
      : text.slice(0, from) + section + text.slice(to + end.length + 1)
  writeFileSync(page, whole)
}

function describe({ passed, failed, seconds, figures }: Counts, name: Section, seed?: number) {
  const date = new Date().toISOString().slice(0, 10)
  const time =
    seconds < 120 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`
  const machine = `Node ${process.versions.node}, ${platform()} ${release()}`
  const from = seed === undefined ? "" : `, seed ${seed}`
  const { title: heading, command } = sections[name]
  const lines = [
    `## ${heading}`,
    "",
    `Last run: ${date}, ${time}, ${machine}${from}: **${passed} checks passed, ${failed} failed**.`,
    `\`${command}\` makes this section.`,
    "",
    "| part | figure | count |",
    "|---|---|---:|",
  ]
  for (const [part, counted] of figures) {
    for (const [figure, count] of counted) {
      lines.push(`| ${part} | ${figure} | ${count.toLocaleString("en")} |`)
    }
  }
  return `${lines.join("\n")}\n`
}
