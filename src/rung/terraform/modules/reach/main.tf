# Who may talk to whom, as a table. A rule between two groups is written on both: out of the one, into the other.

locals {
  # "api to db" = [5432] becomes one entry for each port.
  allowed = merge([
    for pair, ports in var.allowed : {
      for port in ports : "${pair} ${port}" => {
        from = split(" to ", pair)[0]
        to   = split(" to ", pair)[1]
        port = port
      }
    }
  ]...)

  outgoing = { for key, rule in local.allowed : key => rule if contains(keys(var.groups), rule.from) }
  incoming = { for key, rule in local.allowed : key => rule if contains(keys(var.groups), rule.to) }
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = local.outgoing

  description                  = each.key
  security_group_id            = var.groups[each.value.from]
  referenced_security_group_id = lookup(var.groups, each.value.to, null)
  prefix_list_id               = lookup(var.prefix_lists, each.value.to, null)
  cidr_ipv4                    = lookup(var.addresses, each.value.to, null)
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local.incoming

  description                  = each.key
  security_group_id            = var.groups[each.value.to]
  referenced_security_group_id = lookup(var.groups, each.value.from, null)
  prefix_list_id               = lookup(var.prefix_lists, each.value.from, null)
  cidr_ipv4                    = lookup(var.addresses, each.value.from, null)
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}
