import type { Case } from "./case.ts"
import { diskCases } from "./cases-disk.ts"
import { machineCases } from "./cases-machine.ts"

export const cases: readonly Case[] = [...diskCases, ...machineCases]
