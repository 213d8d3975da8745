import { agentFile, agentLook, agentPromise, byAgent, startAgent } from "./agent-file.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

const file = "/var/log/vault/audit.log"

export const vault: Recipe = {
  ...byAgent,
  name: "vault",
  title: "HashiCorp Vault, OpenBao",
  way: "a file audit device, by the agent",
  scheme: "vault",
  proof: "part",
  render,
}

function render(place: Place): Rendering {
  const openbao = `# OpenBao 2.4 and newer: in the server's configuration, since devices made over the API are off there.
audit "file" "postern" {
  description = "to the Postern agent"
  options {
    file_path = "${file}"
    mode      = "0640"
  }
}
`
  return {
    files: [
      agentFile(place, { from: [`file: ${file}`], format: "vault" }),
      {
        name: "openbao-audit.hcl",
        belongs: "the configuration of OpenBao, in place of the command below",
        text: openbao,
      },
    ],
    steps: [
      startAgent,
      {
        what: "switch the device on (Vault; the directory must belong to vault)",
        command: `vault audit enable -path=postern file file_path=${file} mode=0640`,
      },
      { what: "do something", command: "vault token lookup" },
    ],
    notes: [
      "Vault answers no request that no audit device could record, and hangs if one blocks: a file does not block while its disk has room.",
      "Rotate by rename and SIGHUP to vault; the agent reads the old file to its end.",
      "Texts are HMACs with a salt of the device; they stay what they are. Do not disable the device: its salt goes with it.",
      "Request and response are two entries with one trace.pairId.",
      agentPromise,
      agentLook,
    ],
  }
}
