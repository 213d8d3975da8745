/**
 * Saved questions and alerts (docs/operating/alerts.md): the reading of alerts.yaml, the ready-made alerts, and what an
 * entry or the passing of time does to them. Pure: the caller brings text, entries and times, and carries out what comes
 * back. Never reads the log, never sends anything, never decides who may see what.
 */
export { type AlertTestAnswer, alertTestKind, parseAlertTestAnswer } from "./alert-test.ts"

export { formatAlertsSchema } from "./json-schema.ts"
export { notificationsPerMinute } from "./notifying.ts"
export { learn, type Observed } from "./observing.ts"
export { type AlertWatch, readyMade } from "./ready-made.ts"
export { type Alert, type AlertRules, parseAlerts, type Question, type Webhook } from "./rules.ts"
export { startingAlerts } from "./starting-text.ts"
export { type AlertsState, newAlertsState, others } from "./state.ts"
export {
  type AlertStanding,
  type AlertsFile,
  alertsFileName,
  formatAlertsFile,
  type LastDelivery,
  parseAlertsFile,
  type Waiting,
} from "./state-file.ts"
export { type Effect, type Notice, retire, type Step, step } from "./step.ts"
