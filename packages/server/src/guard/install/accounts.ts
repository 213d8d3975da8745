import { dirname } from "node:path"
import { type Config, dataDirectories } from "../../config/index.ts"
import { isRenewable, portsGroup, unitPath } from "./places.ts"

/** sysusers.d(5): a user for each process, one group that may read the log, and one that may read the key of the two ports. */
export function accountsText(): string {
  return `g postern - -
g ${portsGroup} - -
u postern-port -:postern "Postern, write process"
u postern-reader -:postern "Postern, read process"
u postern-courier -:postern "Postern, asks witnesses"
u postern-watch -:postern "Postern, doctor and firewall"
m postern-port ${portsGroup}
m postern-reader ${portsGroup}
`
}

/**
 * tmpfiles.d(5): the directories, each for the process that writes there, readable for the group; the configuration stays
 * root's, and its group may look. Errors: CONFIG_INVALID.
 */
export function directoriesText(config: Config): string {
  const { data, file, access, alerts = access, sealing, pki } = config
  const directories = dataDirectories(config)
  const { log, disclosures, portState, readerState, courierState } = directories
  const { watchState, operatorState } = directories
  const roots = [file, access, alerts, pki.ca, pki.certificate, pki.reader.certificate].map(dirname)
  const { key, reader, courier } = pki
  const keys = [
    { path: key, who: `0640 root ${portsGroup}` },
    { path: reader.key, who: "0600 postern-reader postern" },
    ...(courier === undefined ? [] : [{ path: courier.key, who: "0600 postern-courier postern" }]),
  ]
  const lines = [
    ...[...new Set(roots)].map((path) => `z ${unitPath(path)} 0750 root postern`),
    ...keys
      .filter(({ path }) => isRenewable(config, path))
      .map(({ path, who }) => `z ${unitPath(path)} ${who}`),
    `d ${unitPath(data)} 0750 root postern`,
    // What root leaves there, the group may read: files take the group from the directory.
    `d ${dirname(portState)} 2750 root postern`,
    ...[log, disclosures, portState].map((path) => `d ${path} 0750 postern-port postern`),
    `d ${readerState} 0750 postern-reader postern`,
    `d ${courierState} 0750 postern-courier postern`,
    `d ${watchState} 0750 postern-watch postern`,
    `d ${operatorState} 2750 root postern`,
    `d ${unitPath(sealing)} 0750 postern-port postern`,
  ]
  return `${lines.join("\n")}\n`
}
