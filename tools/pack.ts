/**
 * Makes the one file that is installed: postern with everything it runs with inside, so that an installation asks no
 * registry, and beside it the list of what is inside. `npm run pack` writes dist/postern-VERSION.tgz and .cdx.json; the same tree
 * gives the same artefact, to the byte. Refuses packages that tools/supply.ts refuses.
 */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { readManifest, root, runtimePackages } from "./runtime-packages.ts"
import { supplyFaults } from "./supply.ts"

export interface Artefact {
  readonly file: string
  readonly sha256: string
  readonly bytes: number
  readonly packages: number
  /** What is inside, for programmes: CycloneDX. Beside the file. */
  readonly sbom: string
}

/** @param targets directories that get the file, each packed by itself */
export function pack(...targets: readonly string[]): Artefact[] {
  const stage = mkdtempSync(join(tmpdir(), "postern-pack-"))
  try {
    const packages = stagePackage(stage)
    return targets.map((target) => packStage(stage, target, packages))
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

function packStage(stage: string, target: string, packages: number): Artefact {
  mkdirSync(target, { recursive: true })
  const args = ["--json", "--ignore-scripts", "--offline", "--pack-destination", target]
  const said = execFileSync("npm", ["pack", ...args], {
    ...{ cwd: stage, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  })
  const [{ filename }] = JSON.parse(said) as [{ filename: string }]
  const file = join(target, filename)
  const bytes = readFileSync(file)
  const sha256 = createHash("sha256").update(bytes).digest("hex")
  const sbom = file.replace(/\.tgz$/, ".cdx.json")
  const bill = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--offline"]
  writeFileSync(
    sbom,
    execFileSync("npm", bill, { cwd: stage, stdio: ["ignore", "pipe", "ignore"] }),
  )
  return { file, sha256, bytes: bytes.length, packages, sbom }
}

/** packages/server as it would be published, with node_modules beside it; npm drops what no manifest names. */
function stagePackage(stage: string): number {
  const server = join(root, "packages/server")
  const folders = [join(server, "bin"), join(server, "dist"), join(root, "deploy")]
  const built = join(server, "console")
  if (existsSync(built)) folders.push(built)
  for (const from of folders) copyTree(from, join(stage, basename(from)))
  for (const name of ["LICENSE", "README.md"]) copyFileSync(join(root, name), join(stage, name))
  const inside = runtimePackages()
  const faults = supplyFaults(inside)
  if (faults.length > 0) throw new Error(faults.join("\n"))
  for (const { directory, place } of inside) {
    copyTree(directory, join(stage, place))
  }
  const manifest = readManifest(server) as { readonly files?: readonly string[] }
  const whole = {
    ...manifest,
    files: [...(manifest.files ?? []), "deploy"],
    bundleDependencies: [...new Set(inside.map(({ name }) => name))],
  }
  writeFileSync(join(stage, "package.json"), `${JSON.stringify(whole, undefined, 2)}\n`)
  return inside.length
}

/** What packages need in other versions lies inside them, and is in the list itself. */
function copyTree(from: string, to: string): void {
  const nested = join(from, "node_modules")
  const filter = (path: string) => path !== nested && !/\.test\.|\.tsbuildinfo$/.test(path)
  cpSync(from, to, { recursive: true, filter })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { file, sha256, bytes, packages, sbom } of pack(join(root, "dist"))) {
    console.log(`${file}\nsha256 ${sha256}\n${bytes} bytes, ${packages} packages inside: ${sbom}`)
  }
}
