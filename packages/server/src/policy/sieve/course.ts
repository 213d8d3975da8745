import { encodeUtf8 } from "@postern/log/base"
import { disclosableKeys } from "@postern/log/event"
import type { Detectors } from "../detectors/index.ts"
import {
  type Adapter,
  type Decision,
  type Detect,
  formatPointer,
  type Level,
  type Pointer,
  type Transform,
} from "../rules/index.ts"
import type { Step } from "./act.ts"
import { originalIn } from "./original-bytes.ts"
import { Paths } from "./paths.ts"
import { shortened } from "./place-text.ts"
import type { Course } from "./walk.ts"

/** Members of an event into which pointers lead, and detectors look. */
const roots: ReadonlySet<string> = new Set(["actor", "targets", ...disclosableKeys])
const nothing: ReadonlySet<string> = new Set()

/** What a level takes of an event in Postern's own form (docs/spec/policy.md, Levels). */
const eventCuts: Readonly<Record<Level, readonly Pointer[]>> = {
  full: [],
  request: [["response"]],
  metadata: [["response"], ["request"], ["changes"], ["labels"], ["data"]],
  drop: [],
}

const responseObject: Pointer = ["data", "kubernetes", "responseObject"]
const requestObject: Pointer = ["data", "kubernetes", "requestObject"]

/** The same of a Kubernetes item, which stands in `data` as it came. */
const itemCuts: Readonly<Record<Level, readonly Pointer[]>> = {
  full: [],
  request: [responseObject],
  metadata: [responseObject, requestObject],
  drop: [],
}

export function cutsOf(level: Level, adapter: Adapter): readonly Pointer[] {
  return (adapter === "kubernetes" ? itemCuts : eventCuts)[level]
}

/** What a decision has the sieve do with an event that came by an adapter. What the level takes goes first: no `keep` holds it. */
export function makeCourse(
  decision: Decision,
  adapter: Adapter,
  detect: Detect | undefined,
  detectors: Detectors | undefined,
  isShortLived: boolean,
): Course {
  const cuts = cutsOf(decision.level, adapter).map((at) => makeStep({ at, do: "cut" }))
  const steps = [...cuts, ...decision.transforms.map(makeStep)]
  const wanted = steps.map((step) => step.at)
  const paths = new Paths(wanted, detect?.allow ?? [])
  return {
    steps,
    paths,
    keepsOriginal: steps[originalIn(paths).act]?.do === "keep",
    detectors,
    marksUnscanned: marksUnscanned(detect),
    roots,
    sealed: isShortLived ? disclosableKeys : nothing,
  }
}

export function marksUnscanned(detect: Detect | undefined): boolean {
  return detect !== undefined && detect.groups.secrets !== "off"
}

function makeStep(from: Transform | { readonly at: Pointer; readonly do: "cut" }): Step {
  const { bytes = 0, subject = [] } = from.do === "cut" ? {} : from
  const pointer = formatPointer(from.at)
  return {
    do: from.do,
    at: from.at,
    pointer: encodeUtf8(pointer),
    place: from.at.every((name) => typeof name === "string") ? shortened(pointer) : undefined,
    bytes,
    subject: subject.filter((name) => typeof name === "string"),
  }
}
