import type { Place, Recipe, Rendering } from "./recipe.ts"

/** One action with a certificate of its own: what else the machine forwards stays as it is. */
export const rsyslog: Recipe = {
  name: "rsyslog",
  title: "rsyslog 8.2302 or newer, with rsyslog-openssl",
  way: "RFC 5425 over mutual TLS, straight to the port's syslog plane",
  adapters: ["syslog"],
  scheme: "syslog",
  needs: "pem",
  usesSyslog: true,
  proof: "run",
  render,
}

function render({ ca, certificate, key, syslog, serverName }: Place): Rendering {
  const text = `# Everything that rsyslog takes in, to Postern. The queue goes to disk while the port is away, and is kept over restarts.
template(name="PosternFormat" type="string"
  string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %msg:::drop-last-lf%")

action(type="omfwd" name="postern"
  target="${syslog.host}" port="${syslog.port}" protocol="tcp" TCP_Framing="octet-counted"
  template="PosternFormat"
  StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
  StreamDriverPermittedPeers="${serverName}"
  StreamDriver.CAFile="${ca}"
  StreamDriver.CertFile="${certificate}"
  StreamDriver.KeyFile="${key}"
  queue.type="LinkedList" queue.filename="postern" queue.maxDiskSpace="1g" queue.saveOnShutdown="on"
  action.resumeRetryCount="-1" action.resumeInterval="5")
`
  return {
    files: [{ name: "60-postern.conf", belongs: "/etc/rsyslog.d/60-postern.conf", text }],
    steps: [
      { what: "the TLS driver", command: "sudo apt-get install --yes rsyslog rsyslog-openssl" },
      { what: "check and restart", command: "sudo rsyslogd -N1 && sudo systemctl restart rsyslog" },
      { what: "say something", command: "logger 'hello from rsyslog'" },
    ],
    notes: [
      "Syslog has no acknowledgement. A restart of the port loses nothing; a cut in the middle may, and leaves an entry postern.loss.",
      'rsyslog cuts messages at 8 KiB: global(maxMessageSize="64k") at the top of /etc/rsyslog.conf takes what the port takes.',
      'The queue needs global(workDirectory="/var/spool/rsyslog"), which Debian sets. What is wrong stands in: journalctl -u rsyslog',
    ],
  }
}
