/**
 * The survey: what the log itself says about its writers and its port, kept up to date entry by entry: who wrote how much and
 * when, streams, gaps, losses, silences, refusals, certificates, the doctor's word. Of ordinary entries the stamp alone is
 * read; only what the installation's own processes wrote is parsed. Pure and bounded: whoever follows the log hands the
 * entries in, in order, and keeps the text of a survey for the next start.
 */
export { formatSurvey, parseSurvey } from "./kept-survey.ts"
export { type StampMarks, stampMarks } from "./stamp-marks.ts"
export { type SurveyWorld, surveyLeaf } from "./step.ts"
export {
  type CertificateLife,
  type Hours,
  hoursUntil,
  hourUs,
  type RefusalCount,
  type Survey,
  startSurvey,
  type WriterSurvey,
} from "./survey.ts"
