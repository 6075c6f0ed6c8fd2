mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name         = "shop-prod"
  parties      = [{ name = "shop-prod-api", security_group_id = "sg-0a1" }, { name = "shop-prod-db", security_group_id = "sg-0d1" }]
  groups       = { load-balancer = "sg-011" }
  prefix_lists = { s3 = "pl-0s3" }
  addresses    = { "api.stripe.com" = "0.0.0.0/0", internet = "0.0.0.0/0" }
  allowed = {
    api        = { db = [5432], s3 = [443], "api.stripe.com" = [443] }
    internet   = { load-balancer = [443, 80] }
    cloudfront = { load-balancer = [443] }
  }
}

run "between_two_groups_both_sides_are_written" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_egress_rule.this["api to db 5432"].referenced_security_group_id == "sg-0d1" && aws_vpc_security_group_egress_rule.this["api to db 5432"].security_group_id == "sg-0a1"
    error_message = "out of api, to db"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["api to db 5432"].referenced_security_group_id == "sg-0a1" && aws_vpc_security_group_ingress_rule.this["api to db 5432"].from_port == 5432
    error_message = "into db, from api"
  }
}

run "outside_there_is_one_side" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_egress_rule.this["api to s3 443"].prefix_list_id == "pl-0s3" && aws_vpc_security_group_egress_rule.this["api to api.stripe.com 443"].cidr_ipv4 == "0.0.0.0/0"
    error_message = "out of api, to a prefix list and to an address"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["cloudfront to load-balancer 443"].prefix_list_id == data.aws_ec2_managed_prefix_list.cloudfront[0].id
    error_message = "CloudFront's addresses are those that AWS keeps"
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.this) == ["api to db 5432", "cloudfront to load-balancer 443", "internet to load-balancer 443", "internet to load-balancer 80"]
    error_message = "a rule into a group for each port, and for nothing that is no group"
  }
}

run "nothing_more_is_allowed" {
  command = plan

  variables {
    allowed = {}
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.this) + length(aws_vpc_security_group_egress_rule.this) == 0
    error_message = "what is not in the table must not be a rule"
  }
}

run "what_is_no_address_is_refused" {
  command = plan

  variables {
    addresses = { internet = "everywhere" }
    allowed   = {}
  }

  expect_failures = [var.addresses]
}

run "a_pair_without_a_group_is_refused" {
  command = plan

  variables {
    allowed = { internet = { s3 = [443] } }
  }

  expect_failures = [var.allowed]
}

run "somebody_unknown_is_refused" {
  command = plan

  variables {
    allowed = { api = { somebody = [443] } }
  }

  expect_failures = [var.allowed]
}

run "a_port_that_is_none_is_refused" {
  command = plan

  variables {
    allowed = { api = { db = [70000] } }
  }

  expect_failures = [var.allowed]
}
