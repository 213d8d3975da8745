import type { Place, Recipe, Rendering } from "./recipe.ts"

export const syslogNg: Recipe = {
  name: "syslog-ng",
  title: "syslog-ng 3.38 or newer",
  way: "RFC 5425 over mutual TLS, straight to the port's syslog plane",
  adapters: ["syslog"],
  scheme: "syslog",
  needs: "pem",
  usesSyslog: true,
  proof: "run",
  render,
}

function render({ ca, certificate, key, syslog }: Place): Rendering {
  const text = `# Everything of s_src, to Postern. s_src is Debian's name for the local sources: use yours.
destination d_postern {
  syslog("${syslog.host}" port(${syslog.port}) transport("tls")
    tls(
      ca-file("${ca}")
      cert-file("${certificate}")
      key-file("${key}")
      peer-verify(required-trusted))
    disk-buffer(reliable(yes) disk-buf-size(1073741824) mem-buf-size(10485760))
    time-reopen(5));
};

log { source(s_src); destination(d_postern); flags(flow-control); };
`
  return {
    files: [{ name: "postern.conf", belongs: "/etc/syslog-ng/conf.d/postern.conf", text }],
    steps: [
      {
        what: "check and restart",
        command: "sudo syslog-ng --syntax-only && sudo systemctl restart syslog-ng",
      },
      { what: "say something", command: "logger 'hello from syslog-ng'" },
    ],
    notes: [
      "Syslog has no acknowledgement. A restart of the port loses nothing; a cut in the middle may, and leaves an entry postern.loss.",
      "syslog-ng cuts messages at 64 KiB (log-msg-size()), which is what the port takes.",
      "What is wrong stands in: journalctl -u syslog-ng",
    ],
  }
}
