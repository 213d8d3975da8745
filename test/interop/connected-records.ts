/** Records in the published shape of sources that cannot run in CI, and what the first one becomes. */
interface Records {
  /** The directory that the configuration names. */
  readonly place: string
  /** The file in it. */
  readonly file: string
  readonly text: string
  readonly action: RegExp
}

const line = (record: object): string => `${JSON.stringify(record)}\n`

const serial = "msg=audit(1795420800.123:4711):"

export const recordsOf = {
  auditd: {
    place: "",
    file: "",
    text: [
      `type=SYSCALL ${serial} arch=c000003e syscall=59 success=yes exit=0 ppid=811 pid=812 auid=1000 uid=0 euid=0 tty=pts0 ses=3 comm="touch" exe="/usr/bin/touch" key="privilege"`,
      `type=EXECVE ${serial} argc=2 a0="touch" a1="/etc/sudoers"`,
      `type=CWD ${serial} cwd="/root"`,
      `type=PROCTITLE ${serial} proctitle=746F756368002F6574632F7375646F657273`,
      `type=EOE ${serial}`,
      "",
    ].join("\n"),
    action: /^linux\.execve$/,
  },
  vault: {
    place: "/var/log/vault",
    file: "audit.log",
    text: line({
      time: "2026-11-23T08:00:00.000000001Z",
      type: "request",
      auth: { display_name: "token-alice", entity_id: "6e9d5bbd-0000-4000-8000-000000000001" },
      request: {
        id: "5b4c6dd0-0000-4000-8000-000000000001",
        operation: "read",
        mount_type: "kv",
        mount_point: "secret/",
        path: "secret/data/app",
        remote_address: "192.0.2.7",
      },
    }),
    action: /^vault\.secret\.read$/,
  },
  mongodb: {
    place: "/var/log/mongodb",
    file: "audit.json",
    text: line({
      atype: "authenticate",
      ts: { $date: "2026-11-23T08:00:00.000+00:00" },
      local: { ip: "192.0.2.1", port: 27017 },
      remote: { ip: "192.0.2.7", port: 50000 },
      users: [{ user: "alice", db: "admin" }],
      roles: [],
      param: { user: "alice", db: "admin", mechanism: "SCRAM-SHA-256" },
      result: 0,
    }),
    action: /^mongodb\.authenticate$/,
  },
  github: {
    place: "/var/lib/postern-github",
    file: "audit-2026-11.ndjson",
    text: line({
      "@timestamp": 1_795_420_800_000,
      _document_id: "aGVsbG8gd29ybGQ",
      action: "repo.create",
      actor: "alice",
      org: "example-org",
      repo: "example-org/hello",
      operation_type: "create",
    }),
    action: /^github\.repo\.create$/,
  },
  cloudtrail: {
    place: "/var/lib/postern-cloudtrail",
    file: "records-2026-11.ndjson",
    text: line({
      eventVersion: "1.11",
      userIdentity: { type: "IAMUser", arn: "arn:aws:iam::123456789012:user/alice" },
      eventTime: "2026-11-23T08:00:00Z",
      eventSource: "s3.amazonaws.com",
      eventName: "DeleteBucket",
      awsRegion: "eu-central-1",
      sourceIPAddress: "192.0.2.7",
      userAgent: "aws-cli/2",
      eventID: "2b5e0f5e-0000-4000-8000-000000000001",
      readOnly: false,
      eventType: "AwsApiCall",
    }),
    action: /^aws\.s3\.deletebucket$/,
  },
} as const satisfies Record<string, Records>
