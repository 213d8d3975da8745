/**
 * Makes this machine's service manager run an installation: units, users and directories for systemd, as texts made from
 * postern.yaml. Never starts, stops or enables anything, and never writes over a file that it did not write.
 */
export { type InstalledFile, installSystemd } from "./install.ts"
