/**
 * Alerts at work: follows the log, has server/alerts judge each entry, writes what is raised and cleared down as entries of the
 * courier's own, and tells webhooks. Keeps position and state in data/state/courier/alerts.json, so that a restart goes on
 * where it was. Decides nothing about what an alert is; believes nothing that a webhook answers.
 */
export { Following } from "./following.ts"
export { type OwnRecords, openOwnRecords } from "./own-records.ts"
export { followRules } from "./rules-file.ts"
export { type AlertsWatch, openAlertsWatch } from "./watch.ts"
export { type PostWebhook, postWebhook, readWebhookSecret } from "./webhook-wire.ts"
