import { agentFile, agentLook, byAgent } from "./agent-file.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

export const auditd: Recipe = {
  ...byAgent,
  name: "auditd",
  title: "Linux audit (auditd 3 or newer)",
  way: "a plugin of auditd: the agent on its standard input",
  scheme: "linux",
  proof: "part",
  render,
}

/** auditd gives a plugin two arguments at most. */
function render(place: Place): Rendering {
  const plugin = `# auditd starts the agent, as root, and writes each record to its standard input.
active = yes
direction = out
path = /usr/bin/postern
type = always
args = agent --config=/etc/postern-agent/auditd.yaml
format = string
`
  const rules = `# A beginning: who becomes whom, who changes accounts, rules and trust, what runs as root on behalf of a person.
-w /etc/passwd -p wa -k identity
-w /etc/shadow -p wa -k identity
-w /etc/sudoers -p wa -k privilege
-w /etc/sudoers.d/ -p wa -k privilege
-w /etc/ssh/sshd_config -p wa -k access
-w /etc/audit/ -p wa -k audit-rules
-a always,exit -F arch=b64 -S execve -F euid=0 -F auid>=1000 -F auid!=unset -k root-command
`
  const agent = agentFile(place, {
    ...{ from: ["stdin: true"], format: "auditd" },
    state: "/var/lib/postern-agent-auditd",
  })
  return {
    files: [
      { ...agent, name: "auditd.yaml", belongs: "/etc/postern-agent/auditd.yaml" },
      { name: "postern.conf", belongs: "/etc/audit/plugins.d/postern.conf", text: plugin },
      { name: "50-postern.rules", belongs: "/etc/audit/rules.d/50-postern.rules", text: rules },
    ],
    steps: [
      {
        what: "where auditd may look for it: root's, and nobody else may write to it",
        command: "ls -l /usr/bin/postern",
      },
      {
        what: "load the rules and restart auditd",
        command: "sudo augenrules --load && sudo service auditd restart",
      },
      { what: "do something", command: "sudo touch /etc/sudoers" },
    ],
    notes: [
      "log_format = ENRICHED in auditd.conf resolves user ids on the machine where they mean something.",
      "auditd queues q_depth records for a plugin that is slow and drops beyond; the agent never blocks it for long and records what it drops itself.",
      "What the kernel had not handed to auditd at a crash is lost; flush and failure mode are auditd's (auditctl -s: lost, backlog).",
      agentLook,
    ],
  }
}
