mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "measured_and_its_sessions_logged" {
  command = plan

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enabled"
    error_message = "without container insights, scaling on backlog never acts"
  }

  assert {
    condition     = aws_ecs_cluster.this.configuration[0].execute_command_configuration[0].logging == "OVERRIDE" && aws_ecs_cluster.this.configuration[0].execute_command_configuration[0].kms_key_id == var.log_key_arn
    error_message = "sessions are encrypted and logged"
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"]) && one(aws_ecs_cluster_capacity_providers.this.default_capacity_provider_strategy).capacity_provider == "FARGATE"
    error_message = "Spot is there for who asks for it, and nobody gets it unasked"
  }

  assert {
    condition     = length(aws_service_discovery_private_dns_namespace.this) == 0 && output.namespace_id == null
    error_message = "no zone unless asked for"
  }
}

run "services_find_one_another" {
  command = plan

  variables {
    namespace          = "shop.internal"
    vpc_id             = "vpc-1"
    container_insights = false
  }

  assert {
    condition     = aws_service_discovery_private_dns_namespace.this[0].name == "shop.internal" && aws_service_discovery_private_dns_namespace.this[0].vpc == "vpc-1"
    error_message = "the zone is known in the VPC"
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "disabled"
    error_message = "insights can be left out"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "1 cluster"
    session_log_days = 2
    namespace        = "Shop Internal"
  }

  expect_failures = [var.name, var.session_log_days, var.namespace]
}
