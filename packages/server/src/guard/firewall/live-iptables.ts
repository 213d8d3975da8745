import { iptablesChain as chain, iptablesTable as table } from "./dialects/index.ts"
import type { LiveFirewall, Snapshot } from "./live.ts"
import { runApart, runTool } from "./tool.ts"

const families = [
  { number: 4, program: "iptables" },
  { number: 6, program: "ip6tables" },
] as const

/** For as many seconds a program waits for another that changes rules. */
const wait = "--wait=5"

export const liveIptables: LiveFirewall = {
  dialect: "iptables",
  async check(text) {
    for (const { program } of families) {
      await runTool(`${program}-restore`, [wait, "--noflush", "--test"], text)
    }
  },
  present: () => snapshot((program) => runTool(`${program}-save`, ["-t", table])),
  intended: (text) =>
    snapshot((program) =>
      runApart(`${program}-restore --noflush && ${program}-save -t ${table}`, text),
    ),
  load: (text, present) => replace(text, present),
  restore: (saved, present) => replace(saved, present),
}

async function snapshot(save: (program: string) => Promise<string>): Promise<Snapshot> {
  const contents: string[] = []
  const lines: string[] = []
  for (const { number, program } of families) {
    const rules = rulesOf(await save(program))
    contents.push(...rules.map(({ of, rule }) => `-${number} ${of}: ${rule}`))
    lines.push(
      ...rules.map(({ of, rule }) =>
        of === chain ? `-A ${of} -${number} ${rule}` : `-I ${chainOf(of)} 1 -${number} ${rule}`,
      ),
    )
  }
  const saved = [`*${table}`, `:${chain} - [0:0]`, ...lines, "COMMIT", ""].join("\n")
  return { declarations: [], contents, saved: contents.length === 0 ? "" : saved }
}

interface Rule {
  /** Our chain; or another, and the place in it from which a rule leads to ours: `PREROUTING 1`. */
  readonly of: string
  readonly rule: string
}

function rulesOf(saved: string): Rule[] {
  const places = new Map<string, number>()
  return saved.split("\n").flatMap((line) => {
    const [, of, rule] = /^-A (\S+) (.+)$/.exec(line) ?? []
    if (of === undefined || rule === undefined) return []
    if (of === chain) return [{ of, rule }]
    const place = (places.get(of) ?? 0) + 1
    places.set(of, place)
    return leadsToUs.test(rule) ? [{ of: `${of} ${place}`, rule }] : []
  })
}

function chainOf(of: string): string {
  return of.split(" ")[0] ?? of
}

const leadsToUs = new RegExp(`(?:^| )-[jg] ${chain}(?: |$)`)

/** In one transaction for each family: what leads to our chain goes, the chain is emptied, and the text is put there. */
async function replace(text: string, present: Snapshot): Promise<void> {
  for (const { number, program } of families) {
    const ours = present.contents.filter((line) => line.startsWith(`-${number} `))
    const gone = ours.flatMap((line) => {
      const [, of, rule] = /^-\d (\S+) \d+: (.+)$/.exec(line) ?? []
      return of === undefined ? [] : [`-D ${of} ${rule}`]
    })
    if (text === "" && ours.length === 0) continue
    const file =
      text === ""
        ? [`*${table}`, ...gone, `-F ${chain}`, `-X ${chain}`, "COMMIT", ""].join("\n")
        : text.replace(`:${chain} - [0:0]\n`, (line) =>
            [line, ...gone.map((one) => `${one}\n`)].join(""),
          )
    await runTool(`${program}-restore`, [wait, "--noflush"], file)
  }
}
