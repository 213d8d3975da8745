import { dirname } from "node:path"
import { type Config, dataDirectories, needsCourier } from "../../config/index.ts"
import type { ProcessName } from "../../supervisor/index.ts"
import { credentialLines, isRenewable, portsGroup, unitAddress, unitPath } from "./places.ts"
import { sandbox } from "./sandbox.ts"

type Plane = "write" | "read" | "ops" | "syslog"

/** A file below /etc/systemd/system. */
export interface Unit {
  readonly name: string
  readonly text: string
}

/** Starting again makes no sense before somebody has mended something (sysexits EX_CONFIG). */
const exitConfig = 78

/** What is done at times: `timer` starts `service`. */
type Scheduled = Readonly<Record<"service" | "timer", Unit>>

/** The command line of a process, as processCommand() of the supervisor gives it. */
export type CommandOf = (name: ProcessName, configFile: string) => readonly string[]

/**
 * Every unit of an installation. Pure. Errors: CONFIG_INVALID if units cannot say what the configuration says.
 * @param postern the command line of `postern` itself
 */
export function makeUnits(
  config: Config,
  commandOf: CommandOf,
  postern: readonly string[],
): Unit[] {
  const services = [portService(config, commandOf), readerService(config, commandOf)]
  if (needsCourier(config)) services.push(courierService(config, commandOf))
  const planes = (["write", "read", "ops", "syslog"] as const).filter(
    (plane) => config.listen[plane] !== undefined,
  )
  const sockets = planes.map((plane) => socketUnit(plane, config))
  const renewal = config.pki.caKey === undefined ? undefined : renewalUnits(config, postern)
  const scheduled = [reviewUnits(config, postern), ...(renewal === undefined ? [] : [renewal])]
  const timers = scheduled.map(({ timer }) => timer)
  const wanted = [...sockets, ...services, watchUnit(config, postern), ...timers]
  return [target(wanted), ...wanted, ...scheduled.map((one) => one.service)]
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
  const addresses = (config.listen[plane] ?? []).map(
    (address) => `ListenStream=${unitAddress(address)}`,
  )
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
    sockets: config.listen.syslog === undefined ? ["write", "ops"] : ["write", "ops", "syslog"],
    unit: [],
    service: [
      ...credentialLines([...tlsKeys(config, key), logKey, retiringLogKey, receiptKey]),
      `SupplementaryGroups=${portsGroup}`,
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
      ...credentialLines(tlsKeys(config, key, reader.key)),
      `SupplementaryGroups=${portsGroup}`,
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
  const { courier, caKey } = config.pki
  const hidden = config.encryption === undefined ? [config.sealing, disclosures] : [disclosures]
  return service(
    "courier",
    "speaks to the outside, has certificates signed",
    commandOf("courier", config.file),
    {
      sockets: [],
      unit: ["After=postern-port.service network-online.target", "Wants=network-online.target"],
      service: [
        ...credentialLines([...tlsKeys(config, courier?.key), caKey]),
        `ReadWritePaths=${unitPath(courierState)}`,
        // Alerts look at entries, also at those in encrypted segments; of the values beside the log it needs none.
        `InaccessiblePaths=${hidden.map((path) => `-${unitPath(path)}`).join(" ")}`,
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
      ],
    },
  )
}

/** Those that are handed over when the process starts: the others it reads itself, as often as they are renewed. */
function tlsKeys(config: Config, ...keys: readonly (string | undefined)[]): string[] {
  return keys.filter((key) => key !== undefined && !isRenewable(config, key)) as string[]
}

/**
 * Renews the certificates of the processes, which cannot write to their own files; they notice. As root without a network, since the
 * files belong to several users.
 */
function renewalUnits(config: Config, postern: readonly string[]): Scheduled {
  const { pki, file } = config
  const files = [file, pki.certificate, pki.key, pki.reader.certificate, pki.reader.key]
  const directories = [...new Set(files.map(dirname))].filter((path) => path.startsWith("/"))
  const command = [...postern, "pki", "renew", "--config", file].map(unitPath).join(" ")
  const body = section("Service", [
    "Type=oneshot",
    `ExecStart=${command}`,
    `ReadWritePaths=${directories.map(unitPath).join(" ")}`,
    "PrivateNetwork=yes",
    "IPAddressDeny=any",
    "RestrictAddressFamilies=AF_UNIX",
    ...sandbox,
    // A new file gets the owner of the old one.
    "PrivateUsers=no",
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER",
    "SystemCallFilter=@chown",
  ])
  const what = section("Unit", ["Description=Postern, renews the certificates of its processes"])
  const when = section("Timer", ["OnCalendar=hourly", "RandomizedDelaySec=10min", "Persistent=yes"])
  const unit = section("Unit", [
    "Description=Postern, renewal of certificates",
    "PartOf=postern.target",
  ])
  return {
    service: { name: "postern-renewal.service", text: `${what}\n${body}` },
    timer: { name: "postern-renewal.timer", text: `${unit}\n${when}` },
  }
}

/**
 * Ends what a review left unanswered, as root without a network: access.yaml is changed, and the port is told by the admin socket, which is
 * another user's. A deadline is a day in UTC, and so at the end of an hour there; a service that was away is asked again.
 */
function reviewUnits(config: Config, postern: readonly string[]): Scheduled {
  const command = [...postern, "access", "review", "expire", "--config", config.file]
  const body = section("Service", [
    "Type=oneshot",
    `ExecStart=${command.map(unitPath).join(" ")}`,
    `ReadWritePaths=${unitPath(dirname(config.access))}`,
    "PrivateNetwork=yes",
    "IPAddressDeny=any",
    "RestrictAddressFamilies=AF_UNIX",
    ...sandbox,
    // The list stays whose it is.
    "PrivateUsers=no",
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE",
    "SystemCallFilter=@chown",
  ])
  const what = section("Unit", [
    "Description=Postern, ends what a review of the access list left unanswered",
    "After=postern-port.service postern-reader.service",
  ])
  const when = section("Timer", ["OnCalendar=*:00/10:05 UTC", "AccuracySec=1s", "Persistent=yes"])
  const unit = section("Unit", [
    "Description=Postern, deadlines of reviews",
    "PartOf=postern.target",
  ])
  return {
    service: { name: "postern-review.service", text: `${what}\n${body}` },
    timer: { name: "postern-review.timer", text: `${unit}\n${when}` },
  }
}

/**
 * Doctor and firewall, for the processes above, which may do none of it. Under a user of its own, which may look at everything and change
 * nothing but what it says: NET_ADMIN to list the rules of nftables and iptables (there is no right to read them alone), DAC_READ_SEARCH
 * for the profiles and the CA's key, with which it comes to the doors, and for files whose ages and modes it looks at. Which process holds a
 * passed socket, that process says itself.
 */
function watchUnit(config: Config, postern: readonly string[]): Unit {
  const { watchState } = dataDirectories(config)
  const command = [...postern, "serve", "--only", "watch", "--config", config.file]
  const unit = section("Unit", [
    "Description=Postern, looks after the installation: doctor and firewall",
    "PartOf=postern.target",
    "After=postern-port.service postern-reader.service",
  ])
  const rights = watchRights.map((name) => `CAP_${name}`).join(" ")
  const body = section("Service", [
    "Type=exec",
    `ExecStart=${command.map(unitPath).join(" ")}`,
    "User=postern-watch",
    "Group=postern",
    "Restart=on-failure",
    "RestartSec=10",
    `RestartPreventExitStatus=${exitConfig}`,
    "TimeoutStopSec=20",
    `ReadWritePaths=${unitPath(watchState)}`,
    // The old iptables wants a lock, also for rules that are nobody's but its own.
    "Environment=XTABLES_LOCKFILE=/tmp/xtables.lock",
    // Not IPAddressDeny: that nobody answers on another address of this machine is found out by asking there.
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    ...sandbox,
    // In a user namespace its rights would be worth nothing outside.
    "PrivateUsers=no",
    `CapabilityBoundingSet=${rights}`,
    `AmbientCapabilities=${rights}`,
    // How the port's process is bounded, and which proxies run.
    "ProtectProc=default",
    "PrivateMounts=yes",
    "SystemCallFilter=~@resources",
  ])
  return { name: "postern-watch.service", text: `${unit}\n${body}` }
}

const watchRights = ["NET_ADMIN", "DAC_READ_SEARCH"]

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
