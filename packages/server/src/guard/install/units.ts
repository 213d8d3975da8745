import { dirname } from "node:path"
import { type Config, dataDirectories } from "../../config/index.ts"
import type { ProcessName } from "../../supervisor/index.ts"
import { credentialLines, unitAddress, unitPath } from "./places.ts"
import { sandbox } from "./sandbox.ts"

type Plane = "write" | "read" | "ops"

/** A file below /etc/systemd/system. */
export interface Unit {
  readonly name: string
  readonly text: string
}

/** Starting again makes no sense before somebody has mended something (sysexits EX_CONFIG). */
const exitConfig = 78

/** The command line of a process, as processCommand() of the supervisor gives it. */
export type CommandOf = (name: ProcessName, configFile: string) => readonly string[]

/** Every unit of an installation. Pure. Errors: CONFIG_INVALID if units cannot say what the configuration says. */
export function makeUnits(config: Config, commandOf: CommandOf): Unit[] {
  const services = [portService(config, commandOf), readerService(config, commandOf)]
  if (hasCourier(config)) services.push(courierService(config, commandOf))
  const sockets = (["write", "read", "ops"] as const).map((plane) => socketUnit(plane, config))
  return [target([...sockets, ...services]), ...sockets, ...services]
}

/** Whether there is anything outside that the courier is to speak to. */
function hasCourier(config: Config): boolean {
  return config.witnesses !== undefined || config.heartbeat !== undefined
}

function target(units: readonly Unit[]): Unit {
  const wants = units.map(({ name }) => name).join(" ")
  const text = section("Unit", [
    "Description=Postern, the internal port for audit logs",
    `Wants=${wants}`,
  ])
  const name = "postern.target"
  return { name, text: `${text}\n${section("Install", ["WantedBy=multi-user.target"])}` }
}

/** Held by the service manager: while the process is away, whoever connects waits. */
function socketUnit(plane: Plane, config: Config): Unit {
  const service = plane === "read" ? "postern-reader.service" : "postern-port.service"
  const addresses = config.listen[plane].map((address) => `ListenStream=${unitAddress(address)}`)
  const unit = section("Unit", [
    `Description=Postern, ${plane} plane`,
    "PartOf=postern.target",
    `Before=${service}`,
  ])
  const socket = section("Socket", [
    ...addresses,
    `FileDescriptorName=${plane}`,
    `Service=${service}`,
    "BindIPv6Only=ipv6-only",
    "Backlog=511",
  ])
  return { name: `postern-${plane}.socket`, text: `${unit}\n${socket}` }
}

function portService(config: Config, commandOf: CommandOf): Unit {
  const { log, disclosures, portState } = dataDirectories(config)
  const { key, logKey, retiringLogKey, receiptKey } = config.pki
  const memory = config.signedMemory === undefined ? [] : [dirname(config.signedMemory)]
  const writes = [log, disclosures, portState, config.sealing, ...memory].map(unitPath)
  return service("port", "write process", commandOf("port", config.file), {
    sockets: ["write", "ops"],
    unit: [],
    service: [
      ...credentialLines([key, logKey, retiringLogKey, receiptKey]),
      `ReadWritePaths=${writes.join(" ")}`,
      // It has the sockets that it is given, and opens none: nothing can be carried out of it.
      "PrivateNetwork=yes",
      "IPAddressDeny=any",
      "RestrictAddressFamilies=AF_UNIX",
    ],
  })
}

function readerService(config: Config, commandOf: CommandOf): Unit {
  const { readerState } = dataDirectories(config)
  const [write] = config.listen.write
  const { key, reader } = config.pki
  return service("reader", "read process", commandOf("reader", config.file), {
    sockets: ["read"],
    unit: ["After=postern-port.service"],
    service: [
      ...credentialLines([key, reader.key]),
      `ReadWritePaths=${unitPath(readerState)}`,
      // It writes down who read what, through the write port, and connects to nothing else.
      "IPAddressDeny=any",
      ...(write === undefined ? [] : [`IPAddressAllow=${write.host}`]),
      "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    ],
  })
}

function courierService(config: Config, commandOf: CommandOf): Unit {
  const { courierState, disclosures } = dataDirectories(config)
  return service("courier", "asks witnesses, sends heartbeats", commandOf("courier", config.file), {
    sockets: [],
    unit: ["After=postern-port.service network-online.target", "Wants=network-online.target"],
    service: [
      ...credentialLines([config.pki.courier?.key]),
      `ReadWritePaths=${unitPath(courierState)}`,
      `InaccessiblePaths=-${unitPath(config.sealing)} -${unitPath(disclosures)}`,
      "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    ],
  })
}

interface Particulars {
  readonly sockets: readonly Plane[]
  readonly unit: readonly string[]
  readonly service: readonly string[]
}

function service(
  name: ProcessName,
  what: string,
  command: readonly string[],
  more: Particulars,
): Unit {
  const sockets = more.sockets.map((plane) => `postern-${plane}.socket`).join(" ")
  const unit = section("Unit", [
    `Description=Postern, ${what}`,
    "PartOf=postern.target",
    ...(sockets === "" ? [] : [`Requires=${sockets}`, `After=${sockets}`]),
    ...more.unit,
    // Restarts after a failure come slower than this; a start that each connection repeats does not.
    "StartLimitIntervalSec=60",
    "StartLimitBurst=25",
  ])
  const body = section("Service", [
    "Type=exec",
    `ExecStart=${command.map(unitPath).join(" ")}`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    `User=postern-${name}`,
    "Group=postern",
    ...(sockets === "" ? [] : [`Sockets=${sockets}`]),
    "Restart=on-failure",
    "RestartSec=3",
    `RestartPreventExitStatus=${exitConfig}`,
    "TimeoutStopSec=20",
    ...more.service,
    ...sandbox,
  ])
  return { name: `postern-${name}.service`, text: `${unit}\n${body}` }
}

function section(name: string, lines: readonly string[]): string {
  return `[${name}]\n${lines.join("\n")}\n`
}
