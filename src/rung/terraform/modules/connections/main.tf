# Who may talk to whom. Every rule names both ends and one port; what is not here is refused.

locals {
  between = { for key, rule in var.rules : key => rule if rule.from_cidr == null && rule.from_prefix_list_id == null }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = var.rules

  description                  = each.key
  security_group_id            = each.value.to_security_group_id
  referenced_security_group_id = each.value.from_security_group_id
  cidr_ipv4                    = each.value.from_cidr
  prefix_list_id               = each.value.from_prefix_list_id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "between" {
  for_each = local.between

  description                  = each.key
  security_group_id            = each.value.from_security_group_id
  referenced_security_group_id = each.value.to_security_group_id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = var.egress

  description       = each.key
  security_group_id = each.value.security_group_id
  cidr_ipv4         = each.value.prefix_list_id != null ? null : coalesce(each.value.cidr, "0.0.0.0/0")
  prefix_list_id    = each.value.prefix_list_id
  ip_protocol       = each.value.protocol
  from_port         = each.value.port
  to_port           = each.value.port

  tags = { Name = "${var.name}: ${each.key}" }
}
