mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod"
  rules = {
    "internet to load balancer"   = { from_cidr = "0.0.0.0/0", to_security_group_id = "sg-lb", port = 443 }
    "cloudfront to load balancer" = { from_prefix_list_id = "pl-1", to_security_group_id = "sg-lb", port = 80 }
    "load balancer to api"        = { from_security_group_id = "sg-lb", to_security_group_id = "sg-api", port = 8000 }
  }
  egress = {
    "api to api.stripe.com" = { security_group_id = "sg-api", port = 443 }
    "api to s3"             = { security_group_id = "sg-api", port = 443, prefix_list_id = "pl-2" }
  }
}

run "both_ends_have_a_rule" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["load balancer to api"].referenced_security_group_id == "sg-lb" && aws_vpc_security_group_egress_rule.between["load balancer to api"].referenced_security_group_id == "sg-api"
    error_message = "out of the one group, into the other"
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.between) == ["load balancer to api"]
    error_message = "addresses and prefix lists have no group to leave"
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.this : rule.from_port == rule.to_port && rule.ip_protocol == "tcp"])
    error_message = "one port per rule"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.outside["api to api.stripe.com"].cidr_ipv4 == "0.0.0.0/0" && aws_vpc_security_group_egress_rule.outside["api to s3"].cidr_ipv4 == null && aws_vpc_security_group_egress_rule.outside["api to s3"].prefix_list_id == "pl-2"
    error_message = "names of hosts open a port to everywhere, prefix lists to nothing else"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["internet to load balancer"].description == "internet to load balancer"
    error_message = "a rule says in the console what it is for"
  }
}

run "names_with_odd_characters_are_refused" {
  command = plan

  variables {
    rules  = { "api → db" = { from_security_group_id = "sg-a", to_security_group_id = "sg-b", port = 5432 } }
    egress = { "api → host" = { security_group_id = "sg-a", port = 443 } }
  }

  expect_failures = [var.rules, var.egress]
}

run "ports_and_protocols_that_are_none_are_refused" {
  command = plan

  variables {
    rules  = { "api to db" = { from_security_group_id = "sg-a", to_security_group_id = "sg-b", port = 0 } }
    egress = { "api to host" = { security_group_id = "sg-a", port = 443, protocol = "-1" } }
  }

  expect_failures = [var.rules, var.egress]
}

run "addresses_that_are_none_are_refused" {
  command = plan

  variables {
    rules  = { "office to db" = { from_cidr = "office", to_security_group_id = "sg-b", port = 5432 } }
    egress = { "api to host" = { security_group_id = "sg-a", port = 443, cidr = "api.stripe.com" } }
  }

  expect_failures = [var.rules, var.egress]
}

run "two_sources_are_refused" {
  command = plan

  variables {
    rules = { "all to db" = { from_cidr = "10.0.0.0/16", from_prefix_list_id = "pl-1", to_security_group_id = "sg-b", port = 5432 } }
  }

  expect_failures = [var.rules]
}
