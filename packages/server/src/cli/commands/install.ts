import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { loadConfig } from "../../config/index.ts"
import { installSystemd } from "../../guard/install/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption } from "../options.ts"

export function registerInstall(program: Command, io: CommandIo): void {
  program
    .command("install")
    .helpGroup(helpGroups.setUp)
    .summary("have systemd run the service")
    .description(
      "Writes units, users and directories for systemd, from postern.yaml: each process under a user of its own, shut off from what it " +
        "does not need, its sockets held while it is away. Starts nothing; run it again when keys, addresses or directories change.",
    )
    .addOption(configOption())
    .option("--systemd", "for systemd, the one service manager that this knows")
    .option("--prefix <directory>", "write below this directory instead of /", "/")
    .addHelpText("after", examples)
    .action((options: { config: string; systemd?: true; prefix: string }) => {
      if (!options.systemd)
        throw new PosternError("USAGE", "say for which service manager: --systemd")
      const files = installSystemd(loadConfig(options.config), options.prefix)
      for (const { path, state } of files) io.line(`${state.padEnd(7)} ${path}`)
      io.note(next)
    })
}

const examples = `
Examples:
  postern install --systemd --config /etc/postern/postern.yaml
  postern install --systemd --config /etc/postern/postern.yaml --prefix ./image`

const next = `postern: next, as root:
  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload
  systemctl enable --now postern.target`
