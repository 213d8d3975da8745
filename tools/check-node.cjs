// Runs before everything else, on any Node there is: plain words instead of a stack trace on an old one.
// npm puts node_modules/.bin first on the path, where the workspace's own Node 24 lives (optional dependency).
"use strict"
var major = Number(process.versions.node.split(".")[0])
if (major < 24) {
  console.error(
    "postern: error: Node " +
      process.versions.node +
      " is too old, the daemon needs Node 24 or newer",
  )
  console.error(
    "postern: hint: run `npm install` again without --omit=optional (it brings Node 24 for Linux and macOS on x64, Linux on arm64), or install Node 24 from your package manager",
  )
  process.exit(78)
}
