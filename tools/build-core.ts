/**
 * Builds packages/log/src/core/assembly into packages/log/src/core/generated/core-wasm.ts, the module as text. The same
 * sources and the pinned compiler give the same bytes everywhere; build-core.test.ts compares them with what is checked in.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import asc from "assemblyscript/asc"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const sources = "packages/log/src/core/assembly"
export const generatedPath: string = join(root, "packages/log/src/core/generated/core-wasm.ts")

/** Statics stand from here up, the regions of a core behind them: position 0 is nobody's. */
const memoryBase = 1024

const compilerArguments = [
  `${sources}/index.ts`,
  ...["-O3", "--converge", "--noAssert", "--runtime", "stub", "--enable", "simd"],
  ...["--importMemory", "--memoryBase", String(memoryBase), "--outFile", "core.wasm"],
]

/** The generated file's text. */
export async function buildCore(): Promise<string> {
  let binary: Uint8Array | undefined
  const result = await asc.main(compilerArguments, {
    readFile: (name, baseDir) => readFile(join(root, baseDir, name), "utf8").catch(() => null),
    writeFile: (_name, contents) => {
      if (contents instanceof Uint8Array) binary = contents
    },
    listFiles: () => null,
    reportDiagnostic: (diagnostic) => process.stderr.write(`${diagnostic}\n`),
  })
  if (result.error !== null) throw result.error
  if (binary === undefined) throw new Error("the compiler wrote no module")
  return format(Buffer.from(binary).toString("base64"))
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
  const text = await buildCore()
  await mkdir(dirname(generatedPath), { recursive: true })
  await writeFile(generatedPath, text)
  console.log(`${generatedPath}: ${text.length} characters`)
}
