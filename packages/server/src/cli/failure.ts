import { PosternError } from "@postern/log/base"
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-code.ts"
import { printable } from "./printable.ts"

/** An error as the command line tells it: two lines and a number. */
export interface Failure {
  readonly message: string
  readonly hint: string
  readonly exitCode: ExitCode
}

export function describeFailure(error: unknown): Failure {
  if (error instanceof PosternError) {
    const message = printable(`${error.message} (${error.code})`)
    return { message, hint: error.hint, exitCode: exitCodeOf(error.code) }
  }
  const message = printable(error instanceof Error ? error.message : String(error))
  if (error instanceof Error && "syscall" in error) {
    const hint = "check the path, its permissions and the space on its disk"
    return { message, hint, exitCode: exitCodes.failed }
  }
  const hint = "this is a mistake in Postern: report it with what POSTERN_DEBUG=1 prints"
  return { message: `internal: ${message}`, hint, exitCode: exitCodes.failed }
}

export function formatFailure(failure: Failure): string {
  return `postern: error: ${failure.message}\npostern: hint: ${failure.hint}\n`
}
