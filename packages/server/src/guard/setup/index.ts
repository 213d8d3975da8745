/**
 * Makes an installation's directory and adds identities to it: certificate, grant and profile in
 * one go. Owns the files that a person edits; never the log. Whether the running service has
 * applied a change is asked by cli/.
 */
export {
  type EnrolBreakGlassOptions,
  type Enrolled,
  type EnrolOptions,
  type EnrolReaderOptions,
  type EnrolWriterOptions,
  enrolBreakGlass,
  enrolReader,
  enrolWriter,
  logVerifierKey,
  profilesDirectory,
} from "./enrolment.ts"
export {
  changeFile,
  createFile,
  destroyFile,
  makeDirectoryBelow,
  replaceSecret,
  syncDirectory,
} from "./files.ts"
export { type InitOptions, type Installation, initDirectory } from "./init.ts"
