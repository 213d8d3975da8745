import { auditd } from "./auditd.ts"
import { backstage } from "./backstage.ts"
import { cloudtrail } from "./cloudtrail.ts"
import { curl } from "./curl.ts"
import { fluentBit } from "./fluent-bit.ts"
import { fluentd } from "./fluentd.ts"
import { github } from "./github.ts"
import { kubernetes, kubernetesDirect } from "./kubernetes.ts"
import { mongodb } from "./mongodb.ts"
import { nodejs } from "./nodejs.ts"
import { otelCollector } from "./otel-collector.ts"
import { postgresql } from "./postgresql.ts"
import type { Recipe } from "./recipe.ts"
import { rsyslog } from "./rsyslog.ts"
import { syslogNg } from "./syslog-ng.ts"
import { teleport } from "./teleport.ts"
import { vault } from "./vault.ts"
import { vector } from "./vector.ts"

/** In the order of lists: hosts, platforms, stores, pipelines, applications. */
export const recipes: readonly Recipe[] = [
  rsyslog,
  syslogNg,
  auditd,
  kubernetes,
  kubernetesDirect,
  teleport,
  postgresql,
  mongodb,
  vault,
  otelCollector,
  fluentBit,
  vector,
  fluentd,
  backstage,
  github,
  cloudtrail,
  nodejs,
  curl,
]
