import { formatQuery } from "@postern/log/query"

/** The query that asks for this value of this field. */
export function termFor(field: string, value: string): string {
  return formatQuery({
    kind: "field",
    path: field.split("."),
    test: { kind: "equals", text: value },
  })
}
