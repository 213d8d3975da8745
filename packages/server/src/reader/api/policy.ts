import { z } from "zod"
import { formatPointer, type Policy, type Rule } from "../../policy/rules/index.ts"
import type { Desk } from "./desk.ts"
import type { PolicyFigures, RuleFigures } from "./house.ts"
import { policySchema } from "./policy-schema.ts"
import { defineRoute, jsonResponse, type Route } from "./route.ts"

/** What is kept of events, and what that did since the start of the port. */
export function policyRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/policy",
    pattern: "/v1/policy",
    operation: "getPolicy",
    summary: "The policy in force, its rules in order, and what each has done since the port began",
    see: "auditor",
    query: z.strictObject({}),
    answer: { type: "application/json", schema: policySchema },
    handle: async () => jsonResponse(await describePolicy(desk)),
  })
}

async function describePolicy({ world: { house }, counters }: Desk) {
  counters.surveys++
  const [policy, port] = await Promise.all([house.policy(), house.port()])
  const figures = port?.policy
  const lines = port?.ready.lines ?? []
  const said = "policy: the old one stays: "
  return {
    policy: policy === undefined ? null : describe(policy, figures),
    refused: lines.find((line) => line.startsWith(said))?.slice(said.length) ?? null,
    besides: besides(policy, figures),
    detected: figures?.detected ?? null,
  }
}

function describe(policy: Policy, figures: PolicyFigures | undefined) {
  const { digest, rules, unmatched, classes, detect } = policy
  return {
    digest,
    rules: rules.map((rule) => describeRule(rule, figures)),
    unmatched,
    classes,
    detect: detect === undefined ? null : { ...detect, allow: detect.allow.map(formatPointer) },
  }
}

function describeRule(
  { name, match, level, sample, deduplicateSeconds, transforms }: Rule,
  figures: PolicyFigures | undefined,
) {
  const known = figures?.rules.find(({ rule }) => rule === name)
  const none = figures === undefined ? null : { events: 0, did: {}, bytesSaved: 0 }
  return {
    ...{ name, match, level, sample: sample ?? null, deduplicate: deduplicateSeconds ?? null },
    transforms: transforms.map(({ at, do: doing, bytes, subject }) => ({
      ...{ at: formatPointer(at), do: doing, bytes },
      ...(subject === undefined ? {} : { subject: formatPointer(subject) }),
    })),
    figures: known === undefined ? none : figuresOf(known),
  }
}

/** Of rules that the policy does not have, as those of before have, and of events that no rule took. */
function besides(policy: Policy | undefined, figures: PolicyFigures | undefined) {
  const names = new Set(policy?.rules.map(({ name }) => name))
  return (figures?.rules ?? [])
    .filter(({ rule }) => !names.has(rule))
    .map((one) => ({ rule: one.rule, ...figuresOf(one) }))
}

function figuresOf({ events, did, bytesSaved }: RuleFigures) {
  return { events, did, bytesSaved }
}
