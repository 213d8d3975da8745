#!/usr/bin/env node
// The entry for every Node there is, so in plain old syntax. The program itself needs Node 24: an
// older one hands over to the Node that npm brought along (optional dependencies node-*), or says
// in two lines what to do.
// biome-ignore-all lint/style/useNodejsImportProtocol: Node below 14.18 would stop here without
// saying why.
"use strict"
const { spawn } = require("child_process")
const fs = require("fs")
const path = require("path")

const wanted = 24
const here = fs.realpathSync(__dirname)

function fail(error, hint) {
  process.stderr.write(`postern: error: ${error}\npostern: hint: ${hint}\n`)
  process.exit(78)
}

/** A Node of this machine's kind in any node_modules up the tree. */
function findNode() {
  const machine = `${process.platform}-${process.arch}`
  let at = here
  for (;;) {
    for (const name of [`node-${machine}`, `node-bin-${machine}`]) {
      const file = path.join(at, "node_modules", name, "bin", "node")
      if (fs.existsSync(file)) return file
    }
    if (path.dirname(at) === at) return undefined
    at = path.dirname(at)
  }
}

function handOver(node) {
  // The mark ends the search if the Node that was found is an old one too.
  const env = Object.assign({}, process.env, { POSTERN_NODE: node })
  const child = spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: "inherit", env })
  // A terminal signals the whole group itself; a service manager signals us alone.
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"]
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on("error", (error) => {
    fail(`${node} does not start (${error.code})`, `install Node ${wanted} or newer`)
  })
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

function start() {
  const main = path.join(here, "..", "dist", "cli", "main.js")
  if (!fs.existsSync(main)) {
    fail(`Postern is not built here (${main} is missing)`, "run `npm run build`")
  }
  require(main)
    .run(process.argv.slice(2))
    .then((code) => {
      // What was written to a pipe must leave before the process does.
      process.stdout.write("", () => process.exit(code))
    })
}

function main() {
  const { node } = process.versions
  if (Number(node.split(".")[0]) >= wanted) return start()
  const other = process.env.POSTERN_NODE ? undefined : findNode()
  if (other !== undefined) return handOver(other)
  fail(
    `Node ${node} is too old, Postern needs Node ${wanted} or newer`,
    `install Node ${wanted}, or run \`npm install\` again without --omit=optional`,
  )
}

main()
