/**
 * Builds packages/log/src/core/assembly into packages/log/src/core/generated/core-wasm.ts, the module
 * as text. The same sources and the pinned compiler give the same bytes everywhere;
 * build-core.test.ts compares them with what is checked in.
 */
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const generatedPath = join(root, "packages/log/src/core/generated/core-wasm.ts")

/** A child process, because the compiler's types would declare a second `console` for all tools. */
const compiler = join(root, "node_modules/assemblyscript/bin/asc.js")

/** Statics stand from here up and the regions of a core behind them: position 0 is nobody's. */
const memoryBase = 1024

/** From the repository's root: relative paths keep the bytes independent of where that is. */
const compilerArguments = [
  compiler,
  "packages/log/src/core/assembly/index.ts",
  ...["-O3", "--converge", "--noAssert", "--runtime", "stub", "--enable", "simd"],
  ...["--importMemory", "--memoryBase", String(memoryBase)],
]

/** The generated file as it must be, and as it is (undefined where there is none). */
export async function buildCore(): Promise<{ built: string; present: string | undefined }> {
  const directory = await mkdtemp(join(tmpdir(), "postern-core-"))
  try {
    const file = join(directory, "core.wasm")
    const allArguments = [...compilerArguments, "--outFile", file]
    await promisify(execFile)(process.execPath, allArguments, { cwd: root })
    const built = format((await readFile(file)).toString("base64"))
    const present = await readFile(generatedPath, "utf8").catch(() => undefined)
    return { built, present }
  } finally {
    await rm(directory, { recursive: true })
  }
}

function format(base64: string): string {
  const lines = base64.match(/.{1,96}/g) ?? []
  return [
    "// Written by tools/build-core.ts (npm run build:core) from ../assembly. Do not edit.",
    "",
    "/** The WebAssembly module of the core, base64. */",
    "export const coreWasm: string = `",
    ...lines,
    "`",
    "",
  ].join("\n")
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { built } = await buildCore()
  await mkdir(dirname(generatedPath), { recursive: true })
  await writeFile(generatedPath, built)
  console.log(`${generatedPath}: ${built.length} characters`)
}
