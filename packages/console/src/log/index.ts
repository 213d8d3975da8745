/** The log as a whole: checkpoint, key and its history, witnesses, copies, storage. */
export { LogPage } from "./log-page.tsx"
