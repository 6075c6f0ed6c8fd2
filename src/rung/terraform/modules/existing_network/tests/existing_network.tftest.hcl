mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name               = "office"
  vpc_id             = "vpc-0a1b2c3d"
  public_subnet_ids  = ["subnet-0a", "subnet-0b"]
  private_subnet_ids = ["subnet-0c", "subnet-0d"]
}

override_data {
  target = data.aws_subnet.this["subnet-0a"]
  values = { vpc_id = "vpc-0a1b2c3d", availability_zone = "eu-central-1a" }
}

override_data {
  target = data.aws_subnet.this["subnet-0b"]
  values = { vpc_id = "vpc-0a1b2c3d", availability_zone = "eu-central-1b" }
}

override_data {
  target = data.aws_subnet.this["subnet-0c"]
  values = { vpc_id = "vpc-0a1b2c3d", availability_zone = "eu-central-1a" }
}

override_data {
  target = data.aws_subnet.this["subnet-0d"]
  values = { vpc_id = "vpc-0a1b2c3d", availability_zone = "eu-central-1b" }
}

run "what_is_said_is_what_is_there" {
  command = plan

  variables {
    region            = "eu-central-1"
    gateway_endpoints = ["s3"]
  }

  assert {
    condition     = output.public_subnet_ids == tolist(["subnet-0a", "subnet-0b"]) && length(output.isolated_subnet_ids) == 0 && length(output.nat_public_ips) == 0
    error_message = "the same outputs as a network of our own"
  }

  assert {
    condition     = output.s3_prefix_list_id == "pl-00000000" && output.dynamodb_prefix_list_id == null
    error_message = "prefix lists are those of the endpoints that are there"
  }
}

run "a_subnet_of_another_vpc_is_refused" {
  command = plan

  override_data {
    target = data.aws_subnet.this["subnet-0a"]
    values = { vpc_id = "vpc-ffffffff", availability_zone = "eu-central-1a" }
  }

  expect_failures = [data.aws_subnet.this]
}

run "one_zone_twice_is_refused" {
  command = plan

  override_data {
    target = data.aws_subnet.this["subnet-0b"]
    values = { vpc_id = "vpc-0a1b2c3d", availability_zone = "eu-central-1a" }
  }

  override_data {
    target = data.aws_subnet.this["subnet-0d"]
    values = { vpc_id = "vpc-0a1b2c3d", availability_zone = "eu-central-1a" }
  }

  expect_failures = [output.public_subnet_ids, output.private_subnet_ids]
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    vpc_id              = "office"
    public_subnet_ids   = ["subnet-0a"]
    private_subnet_ids  = ["private-a", "private-b"]
    isolated_subnet_ids = ["subnet-0e"]
    gateway_endpoints   = ["sqs"]
  }

  expect_failures = [
    var.vpc_id, var.public_subnet_ids, var.private_subnet_ids, var.isolated_subnet_ids, var.gateway_endpoints,
  ]
}

run "gateways_need_a_region" {
  command = plan

  variables {
    gateway_endpoints = ["s3"]
  }

  expect_failures = [var.region]
}
