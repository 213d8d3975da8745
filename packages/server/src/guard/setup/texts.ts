import { formatHostPort, type HostPort } from "../../config/index.ts"

interface Listen {
  readonly write: readonly HostPort[]
  readonly read: readonly HostPort[]
  readonly ops: readonly HostPort[]
}

const storageText = `# The log, and what each process has to remember. Put it on a disk of its own if you can.
data: data

# Keys that seal what is too large for an entry and is kept beside the log, in data/disclosures. One a month; whoever
# destroys one destroys what it sealed. Give this directory a backup of its own (docs/operating/disclosures.md).
sealing: sealing

# Sealed segments of the log are compressed. With this line they are encrypted as well, under keys in \`sealing\`: back that up first
# (docs/operating/backup.md, Encrypted segments).
# encryption: segments
`

/** The postern.yaml of a new installation. */
export function configText(origin: string, listen: Listen): string {
  const list = (addresses: readonly HostPort[]) =>
    `[${addresses.map((address) => JSON.stringify(formatHostPort(address))).join(", ")}]`
  return `# Configuration of this Postern installation. Paths are relative to this file.

# Name of the log. It stands in every checkpoint and is the name of the log key: never change it.
origin: ${origin}

# Where to listen, address by address; public ones, 0.0.0.0 and [::] are refused unless \`allow: [public]\` or
# \`allow: [wildcard]\` is said here too (docs/operating/port.md). Firewalls should let writers reach the first, readers the second and nobody the third.
listen:
  write: ${list(listen.write)} # writers: postern/1 and HTTPS, client certificate required
  read: ${list(listen.read)} # readers: HTTPS, client certificate required
  ops: ${list(listen.ops)} # /livez, /readyz and /metrics, without certificate: loopback only
  # syslog: ["127.0.0.1:6514"] # writers with the adapter syslog: RFC 5425, client certificate required

${storageText}
# Who may write, read and operate. \`postern writer add\` and \`postern reader add\` edit it.
access: access.yaml

# What is kept of events: which ones, how much of each, and what is hidden in them. Without this line it is the policy.yaml beside
# the access list; without either everything is kept as it comes. See docs/operating/policy.md.
policy: policy.yaml

# Questions that are asked often, and alerts: what is to be noticed while nobody looks. The courier process follows it.
alerts: alerts.yaml

# Witnesses of this log, as a trust policy (C2SP tlog-policy) with their URLs; the courier process
# asks them. See docs/operating/witness.md.
# witnesses: witnesses.policy

# An outside address that is told once a minute, as long as the port is ready, that it is: who waits there in vain raises the
# alarm. See docs/operating/install.md.
# heartbeat: { url: https://alarms.example/ping/…, everySeconds: 60 }

# Remembers on other storage what was signed, so that a restored copy of everything under \`data\` is refused.
# signedMemory: /mnt/elsewhere/postern-signed.json

# A key may also be a credential of the service manager (systemd), sealed to this machine: credential:NAME
pki:
  ca: pki/ca.crt # every certificate here is signed by it
  caKey: pki/ca.key # for new identities and renewals; without this line it may be kept elsewhere
  certificate: pki/server.crt # what the ports show
  key: pki/server.key
  logKey: pki/log.key # signs checkpoints (Ed25519); everybody pins its public half. Or: signer, see docs/spec/signer.md
  receiptKey: pki/receipt.key # signs receipts; the log key certifies it at each start
  reader: # the reader process's own certificate: it writes an entry for each read
    certificate: pki/reader-process.crt
    key: pki/reader-process.key
  courier: # the courier process's own certificate: it tells the port what witnesses said
    certificate: pki/courier-process.crt
    key: pki/courier-process.key
`
}

/** The access.yaml of a new installation. */
export function accessText(trustDomain: string): string {
  return `# yaml-language-server: $schema=access.schema.json
# Who may do what. One identity, one role; the id is the SPIFFE URI in its certificate. The
# service takes a changed list over as a whole, or refuses it as a whole and keeps the old one.
identities:
  # The first application. Add others with \`postern writer add NAME\`.
  - id: spiffe://${trustDomain}/writer/app
    role: writer # writer | reader | operator
    # owner: payments team        # who answers for it
    # expires: 2027-11-22         # from that day on (UTC) refused
    # cadence: 10m                # no event for so long is an entry and a metric
    # from: [{ cidr: 10.1.2.0/24 }] # whence it comes: what \`postern firewall\` opens for it
    grant:
      # Ways in: postern/1 frames (SDK), plain HTTPS, the audit webhook of a Kubernetes API server.
      adapters: [postern, http, kubernetes]
      # What its events may name: a value, or a prefix with * at its end. Narrow both to what the
      # application is and does.
      sources: ["app://*", "http://*", "https://*", "kubernetes://*"]
      actions: ["*"]
      # eventsPerSecond: 1000       # without these three: no limit but the formats' own
      # bytesPerSecond: 1000000
      # eventBytes: 16384

  # Sees everything. \`see: monitor\` sees checkpoints, hash tiles and proofs, but no event.
  - id: spiffe://${trustDomain}/reader/auditor
    role: reader
    grant: { see: auditor }

  # May ask the running service for its status and tell it to reload.
  - id: spiffe://${trustDomain}/operator/admin
    role: operator

  # The reader process of this installation: it writes an entry for each read. Leave it here.
  - id: spiffe://${trustDomain}/postern/reader
    role: writer
    grant:
      adapters: [postern]
      sources: ["postern://*"]
      actions: ["postern.*"]
      internal: true # may write postern.* actions; nobody else should have this

  # The courier process of this installation: it brings cosignatures to the port, and writes what alerts do.
  - id: spiffe://${trustDomain}/postern/courier
    role: courier
`
}
