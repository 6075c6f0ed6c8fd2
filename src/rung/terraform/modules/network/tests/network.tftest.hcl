mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

# Ids are only made up when something is applied.
mock_provider "aws" {
  alias  = "applied"
  source = "../testing"
}

variables {
  name        = "shop-prod"
  region      = "eu-central-1"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "three_tiers_and_one_way_out" {
  command   = apply
  providers = { aws = aws.applied }

  assert {
    condition     = length(aws_subnet.public) == 2 && length(aws_subnet.private) == 2 && length(aws_subnet.isolated) == 2
    error_message = "two subnets of each tier"
  }

  assert {
    condition     = length(distinct(concat(aws_subnet.public[*].cidr_block, aws_subnet.private[*].cidr_block, aws_subnet.isolated[*].cidr_block))) == 6
    error_message = "no two subnets may share addresses"
  }

  assert {
    condition     = alltrue([for subnet in concat(aws_subnet.public, aws_subnet.private, aws_subnet.isolated) : !subnet.map_public_ip_on_launch])
    error_message = "nothing has a public address by being somewhere"
  }

  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "the default security group has no rules"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && alltrue([for route in aws_route.gateway : route.nat_gateway_id == aws_nat_gateway.this[0].id])
    error_message = "both private subnets go out by the one gateway"
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.kms_key_id == var.log_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 30
    error_message = "every flow is logged, encrypted and kept for a while"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.flow.policy).Statement[0].Resource[0] == aws_cloudwatch_log_group.flow.arn
    error_message = "the flow logs' role may write this log alone"
  }

  assert {
    condition     = keys(aws_vpc_endpoint.gateway) == ["s3"] && length(aws_vpc_endpoint.interface) == 0
    error_message = "S3 is reached without the gateway, which is paid by the byte"
  }
}

run "a_gateway_for_each_of_three_zones" {
  command   = apply
  providers = { aws = aws.applied }

  variables {
    zones = 3
    nat   = "per_zone"
  }

  assert {
    condition     = aws_route.gateway[*].nat_gateway_id == aws_nat_gateway.this[*].id && length(aws_nat_gateway.this) == 3
    error_message = "every zone goes out by its own gateway"
  }

  assert {
    condition     = aws_subnet.private[*].cidr_block == ["10.0.64.0/20", "10.0.80.0/20", "10.0.96.0/20"] && aws_subnet.public[0].cidr_block == "10.0.0.0/20"
    error_message = "a third zone must not move the subnets of the others"
  }
}

run "a_machine_instead_of_a_gateway" {
  command   = apply
  providers = { aws = aws.applied }

  variables {
    nat = "instance"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && alltrue([for route in aws_route.instance : route.network_interface_id == aws_network_interface.nat[0].id])
    error_message = "private subnets go out by the interface, which outlives the machine"
  }

  assert {
    condition     = !aws_network_interface.nat[0].source_dest_check && aws_autoscaling_group.nat[0].min_size == 1 && aws_autoscaling_group.nat[0].max_size == 1
    error_message = "one machine that forwards, made anew when it fails"
  }

  assert {
    condition     = aws_launch_template.nat[0].metadata_options[0].http_tokens == "required" && aws_launch_template.nat[0].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2, and no further than the machine"
  }
}

run "public_only_for_a_single_machine" {
  command = plan

  variables {
    tiers = ["public"]
    nat   = "none"
    zones = 1
  }

  assert {
    condition     = length(aws_subnet.private) == 0 && length(aws_subnet.isolated) == 0 && length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0
    error_message = "nothing is paid for that is not used"
  }

  assert {
    condition     = output.private_subnet_ids == [] && length(output.public_subnet_ids) == 1
    error_message = "outputs say which tiers there are"
  }
}

run "endpoints_instead_of_a_way_out" {
  command   = apply
  providers = { aws = aws.applied }

  variables {
    nat                 = "none"
    interface_endpoints = ["ecr.api", "ecr.dkr", "logs"]
    gateway_endpoints   = ["s3", "dynamodb"]
    availability_zones  = ["eu-central-1c", "eu-central-1a"]
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled && endpoint.security_group_ids == toset([aws_security_group.endpoints.id]) && length(endpoint.subnet_ids) == 2])
    error_message = "endpoints have the services' names, their own security group and an address in each zone"
  }

  assert {
    condition     = length(aws_vpc_endpoint.gateway["s3"].route_table_ids) == 4
    error_message = "every route table leads to S3: public, private of each zone, isolated"
  }

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["eu-central-1c", "eu-central-1a"]
    error_message = "zones that are named are taken, in that order"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name                = "Shop"
    region              = "Frankfurt"
    cidr                = "10.0.0.0/8"
    zones               = 4
    availability_zones  = ["eu-central-1a", "eu-central-1a"]
    nat                 = "cheap"
    nat_instance_type   = "t3.nano"
    interface_endpoints = ["ecr.api"]
    flow_log_days       = 10
  }

  expect_failures = [
    var.name, var.region, var.cidr, var.zones, var.nat, var.nat_instance_type,
    var.interface_endpoints, var.flow_log_days,
  ]
}

run "what_needs_a_private_tier_is_refused_without" {
  command = plan

  variables {
    tiers               = ["public"]
    nat                 = "single"
    interface_endpoints = ["logs"]
    availability_zones  = ["eu-central-1a"]
  }

  expect_failures = [var.nat, var.interface_endpoints, var.availability_zones]
}

run "ecr_without_s3_is_refused" {
  command = plan

  variables {
    interface_endpoints = ["ecr.api", "ecr.dkr"]
    gateway_endpoints   = []
  }

  expect_failures = [var.interface_endpoints]
}

run "one_zone_is_for_a_single_machine" {
  command = plan

  variables {
    zones = 1
  }

  expect_failures = [var.zones]
}

run "unknown_tiers_and_gateways_are_refused" {
  command = plan

  variables {
    tiers             = ["dmz"]
    gateway_endpoints = ["sqs"]
  }

  expect_failures = [var.tiers, var.gateway_endpoints]
}
