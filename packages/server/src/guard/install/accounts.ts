import { dirname } from "node:path"
import { type Config, dataDirectories } from "../../config/index.ts"
import { unitPath } from "./places.ts"

/** sysusers.d(5): a user for each process, and one group that may read the log. */
export function accountsText(): string {
  return `g postern - -
u postern-port -:postern "Postern, write process"
u postern-reader -:postern "Postern, read process"
u postern-courier -:postern "Postern, asks witnesses"
`
}

/**
 * tmpfiles.d(5): the directories, each for the process that writes there, readable for the group; the configuration stays
 * root's, and its group may look. Errors: CONFIG_INVALID.
 */
export function directoriesText(config: Config): string {
  const { data, file, access, sealing, pki } = config
  const { log, disclosures, portState, readerState, courierState } = dataDirectories(config)
  const roots = [file, access, pki.ca, pki.certificate, pki.reader.certificate].map(dirname)
  const lines = [
    ...[...new Set(roots)].map((path) => `z ${unitPath(path)} 0750 root postern`),
    `d ${unitPath(data)} 0750 root postern`,
    `d ${dirname(portState)} 0750 root postern`,
    ...[log, disclosures, portState].map((path) => `d ${path} 0750 postern-port postern`),
    `d ${readerState} 0750 postern-reader postern`,
    `d ${courierState} 0750 postern-courier postern`,
    `d ${unitPath(sealing)} 0750 postern-port postern`,
  ]
  return `${lines.join("\n")}\n`
}
