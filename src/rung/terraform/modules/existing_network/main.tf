# A VPC that somebody else owns: nothing in it is made or changed, and what was said about it is checked.

data "aws_vpc" "this" {
  id = var.vpc_id
}

data "aws_subnet" "this" {
  for_each = toset(concat(var.public_subnet_ids, var.private_subnet_ids, var.isolated_subnet_ids))

  id = each.key

  lifecycle {
    postcondition {
      condition     = self.vpc_id == var.vpc_id
      error_message = "Subnet ${each.key} is in ${self.vpc_id}, not in ${var.vpc_id}."
    }
  }
}

data "aws_ec2_managed_prefix_list" "gateway" {
  for_each = var.gateway_endpoints

  name = "com.amazonaws.${var.region}.${each.key}"
}

locals {
  zones = {
    for tier, ids in { public = var.public_subnet_ids, private = var.private_subnet_ids, isolated = var.isolated_subnet_ids } :
    tier => distinct([for id in ids : data.aws_subnet.this[id].availability_zone])
  }
}
