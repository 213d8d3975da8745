/** True and false cases of every detector. All secrets are made up. */
import { type Case, make } from "./corpus-case.test.support.ts"
import { literalCases } from "./corpus-literals.test.support.ts"
import { nameCases, pairCases } from "./corpus-names.test.support.ts"
import { ordinary } from "./corpus-ordinary.test.support.ts"
import { machineCases, packCases, personCases } from "./corpus-others.test.support.ts"

export type { Case } from "./corpus-case.test.support.ts"

export const corpus: readonly Case[] = [
  ...[...literalCases, ...nameCases, ...pairCases, ...personCases, ...machineCases, ...packCases],
  ...ordinary.map(([key, text]) => make(false, undefined, text, { key })),
]
