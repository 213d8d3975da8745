import { formatCidr } from "../../../access/index.ts"
import type { Dialect } from "./dialect.ts"

/** One rule for each source and port, by a key that says both: what is taken out of the list is one rule less. */
export const aws: Dialect = {
  name: "aws",
  summary: "Terraform: ingress rules of the security group that the port is in",
  says: ({ kubernetes }) => kubernetes === undefined,
  body(openings) {
    const rules = openings.flatMap(({ plane, ports, cidrs, awsSecurityGroups }) =>
      ports.flatMap((port) => {
        const rule = (kind: string, source: string): string =>
          `    "${plane} ${port} ${source}" = { port = ${port}, ${kind} = "${source}" }\n`
        return [
          ...cidrs.map((cidr) => rule(`cidr_ipv${cidr.family}`, formatCidr(cidr))),
          ...awsSecurityGroups.map((group) => rule("group", group)),
        ]
      }),
    )
    return `variable "postern_security_group_id" {
  type        = string
  description = "Security group of the port, without ingress rules in it"
}

locals {
  postern_sources = {
${rules.join("")}  }
}

resource "aws_vpc_security_group_ingress_rule" "postern" {
  for_each                     = local.postern_sources
  security_group_id            = var.postern_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = try(each.value.cidr_ipv4, null)
  cidr_ipv6                    = try(each.value.cidr_ipv6, null)
  referenced_security_group_id = try(each.value.group, null)
  description                  = each.key
}
`
  },
}
