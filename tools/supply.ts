/**
 * What may be inside the artefact: packages under licences that we have read, and none that runs anything at installation.
 */
import type { RuntimePackage } from "./runtime-packages.ts"

/** SPDX. Each asks for no more than its notice. */
export const licences = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]

/** What is wrong with the packages, a line each. */
export function supplyFaults(packages: readonly RuntimePackage[]): string[] {
  return packages.flatMap(({ name, version, licence, scripts }) => {
    const faults: string[] = []
    if (licence === undefined || !licences.includes(licence)) {
      faults.push(`${name}@${version}: its licence is ${licence ?? "not said"}`)
    }
    if (scripts.length > 0) faults.push(`${name}@${version}: it runs ${scripts.join(", ")}`)
    return faults
  })
}
