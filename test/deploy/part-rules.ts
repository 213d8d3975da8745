import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { root } from "../../tools/runtime-packages.ts"
import type { Results } from "../interop/results.ts"
import type { Stage } from "./stage.ts"

const prometheus = join(root, "deploy/prometheus")
const board = join(root, "deploy/grafana/postern.json")
const metricName = /\bpostern_[a-z0-9_]+/g

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[]
  }[]
}
interface Board {
  readonly panels: readonly {
    readonly title: string
    readonly gridPos: {
      readonly x: number
      readonly y: number
      readonly w: number
      readonly h: number
    }
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

/** @param metrics what a running port answered on /metrics */
export function checkRules(stage: Stage, metrics: string, results: Results): void {
  const rulesFile = join(prometheus, "postern.rules.yaml")
  const check = stage.run("promtool", ["check", "rules", "--lint-fatal", rulesFile])
  results.check(check.code === 0, "promtool check rules", check.text)
  const test = stage.run("promtool", ["test", "rules", join(prometheus, "postern.test.yaml")])
  results.check(test.code === 0, "promtool test rules", test.text)
  const alarms = (parse(readFileSync(rulesFile, "utf8")) as Rules).groups.flatMap(
    ({ rules }) => rules,
  )
  const tested = readFileSync(join(prometheus, "postern.test.yaml"), "utf8")
  const untested = alarms.filter(({ alert }) => !new RegExp(`alertname="${alert}"`).test(tested))
  results.check(
    untested.length === 0,
    `each of ${alarms.length} alarms is made to ring`,
    untested.map(({ alert }) => alert).join(),
  )
  const exist = new Set(metrics.match(/^postern_[a-z0-9_]+/gm))
  const missing = (text: string) =>
    (text.match(metricName) ?? []).filter((name) => !exist.has(name))
  const unknown = alarms.flatMap(({ expr }) => missing(expr))
  results.check(
    exist.size > 20 && unknown.length === 0,
    "the alarms name metrics that exist",
    `${unknown}`,
  )
  checkBoard(missing, results)
}

function checkBoard(missing: (text: string) => string[], results: Results): void {
  const { panels } = JSON.parse(readFileSync(board, "utf8")) as Board
  const unknown = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => missing(expr)))
  const named = panels.every(({ targets }) => targets.every(({ expr }) => expr.match(metricName)))
  results.check(
    named && unknown.length === 0,
    `the board's ${panels.length} panels name metrics that exist`,
    `${unknown}`,
  )
  const places = panels.map(({ gridPos: { x, y, w } }) => (x + w <= 24 ? `${x} ${y}` : "outside"))
  const apart = new Set(places).size === panels.length && !places.includes("outside")
  results.check(apart, "the panels stand side by side")
}
