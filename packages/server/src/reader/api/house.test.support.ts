import { PosternError } from "@postern/log/base"
import { parseAccess } from "../../access/index.ts"
import { startSurvey, surveyLeaf } from "../survey/index.ts"
import type { FakeLog } from "./fake-log.test.support.ts"
import type { HouseView } from "./index.ts"

export const houseAccess = `identities:
  - id: spiffe://postern.test/writer/app
    role: writer
    owner: payments
    ticket: SEC-17
    expires: 2030-01-01
    grant: { adapters: [postern], sources: ["app://*"], actions: ["*"] }
  - id: spiffe://postern.test/writer/quiet
    role: writer
    grant: { adapters: [http], sources: ["app://quiet"], actions: ["quiet.*"], eventsPerSecond: 10 }
  - id: spiffe://postern.test/reader/auditor
    role: reader
    grant: { see: auditor }
  - id: spiffe://postern.test/reader/monitor
    role: reader
    expires: 2020-01-01
    grant: { see: monitor }
  - id: spiffe://postern.test/operator/admin
    role: operator
    owner: operations
  - id: spiffe://postern.test/reader/investigator
    role: reader
    grant: { see: investigator, query: "data.department:payroll" }
revoked:
  - serial: abc
    reason: laptop lost
`

/** A house whose survey always has all of the log. */
export function houseOf(log: FakeLog): HouseView {
  const survey = startSurvey()
  const access = parseAccess(houseAccess)
  return {
    access: () => access,
    survey() {
      for (const leaf of log.all.slice(survey.position)) {
        surveyLeaf(survey, leaf, { isInternal: () => false })
      }
      return survey
    },
    isSurveyed: () => true,
    policy: async () => undefined,
    port: async () => undefined,
    doctor: async () => undefined,
    storage: async () => ({
      ...{ segments: [{ first: 0, bytes: 4096 }], usedBytes: 8192, freeBytes: 1_000_000_000 },
    }),
    review: async () => undefined,
    alerts: {
      word: async () => ({ questions: [], alerts: [] }),
      test: async () => {
        throw new PosternError("NOT_FOUND", "there is no such alert")
      },
    },
    vkey: async () => undefined,
  }
}
