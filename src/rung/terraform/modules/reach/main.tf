# Who may talk to whom, as a table. A rule between two groups is written on both: out of the one, into the other.

locals {
  prefix_lists = merge(var.prefix_lists, { for list in data.aws_ec2_managed_prefix_list.cloudfront : "cloudfront" => list.id })

  groups = merge(var.groups, { for party in var.parties : trimprefix(party.name, "${var.name}-") => party.security_group_id })
  known  = keys(local.groups)

  # api = { db = [5432] } becomes one entry for each port.
  allowed = merge(flatten([
    for from, targets in var.allowed : [
      for to, ports in targets : {
        for port in ports : "${from} to ${to} ${port}" => { from = from, to = to, port = port }
      }
    ]
  ])...)

  outgoing = { for key, rule in local.allowed : key => rule if contains(local.known, rule.from) }
  incoming = { for key, rule in local.allowed : key => rule if contains(local.known, rule.to) }
}

# The addresses from which CloudFront's requests come.
data "aws_ec2_managed_prefix_list" "cloudfront" {
  count = contains(keys(var.allowed), "cloudfront") ? 1 : 0

  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = local.outgoing

  description                  = each.key
  security_group_id            = local.groups[each.value.from]
  referenced_security_group_id = lookup(local.groups, each.value.to, null)
  prefix_list_id               = lookup(local.prefix_lists, each.value.to, null)
  cidr_ipv4                    = lookup(var.addresses, each.value.to, null)
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local.incoming

  description                  = each.key
  security_group_id            = local.groups[each.value.to]
  referenced_security_group_id = lookup(local.groups, each.value.from, null)
  prefix_list_id               = lookup(local.prefix_lists, each.value.from, null)
  cidr_ipv4                    = lookup(var.addresses, each.value.from, null)
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}
