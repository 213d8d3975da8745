import { PosternError } from "@postern/log/base"
import { Option } from "commander"

/** `--config FILE`, or POSTERN_CONFIG; the command does not run without. */
export function configOption(): Option {
  return new Option("--config <file>", "postern.yaml of the installation")
    .env("POSTERN_CONFIG")
    .makeOptionMandatory()
}

/** `--profile FILE`, or POSTERN_PROFILE; the command does not run without. */
export function profileOption(): Option {
  return new Option("--profile <file>", "connection profile (profiles/NAME.yaml)")
    .env("POSTERN_PROFILE")
    .makeOptionMandatory()
}

export function jsonOption(): Option {
  return new Option("--json", "print JSON instead of text")
}

/** Parser of an option that takes a list: comma-separated, and may be given more than once. */
export function collectList(value: string, before: readonly string[] | undefined): string[] {
  const items = value.split(",").map((item) => item.trim())
  if (items.includes("")) throw new PosternError("USAGE", `the list "${value}" has an empty item`)
  return [...(before ?? []), ...items]
}

/** Parser of an option that takes a whole number in `[min, max]`. */
export function wholeNumber(name: string, min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    throw new PosternError("USAGE", `${name} must be a whole number from ${min} to ${max}`)
  }
}
