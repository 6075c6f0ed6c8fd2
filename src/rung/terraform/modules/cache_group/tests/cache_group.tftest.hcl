mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod-cache"
  vpc_id      = "vpc-0a1b2c3d4e5f60718"
  subnet_ids  = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
}

run "a_cache_is_encrypted_and_has_no_password" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required"
    error_message = "no connection without TLS"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.at_rest_encryption_enabled && aws_elasticache_replication_group.this.kms_key_id == var.key_arn
    error_message = "what is written to disk is under the given key"
  }

  assert {
    condition     = aws_elasticache_user.app.authentication_mode[0].type == "iam" && aws_elasticache_user.app.passwords == null && aws_elasticache_replication_group.this.auth_token == null
    error_message = "a password or token would stand in the state"
  }

  assert {
    condition     = aws_elasticache_user.app.user_id == aws_elasticache_user.app.user_name
    error_message = "ElastiCache refuses IAM users whose name is not their identity"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.user_group_ids == toset(["shop-prod-cache"])
    error_message = "without the group anybody in the network could sign in"
  }

  assert {
    condition     = alltrue([for word in ["-@admin", "-@dangerous"] : strcontains(aws_elasticache_user.app.access_string, word)])
    error_message = "an application cannot empty or reconfigure the server"
  }

  assert {
    condition     = { for parameter in aws_elasticache_parameter_group.this.parameter : parameter.name => parameter.value } == { maxmemory-policy = "allkeys-lru" }
    error_message = "the least recently used keys go first"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 1 && !aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "a single node has a snapshot of yesterday"
  }

  assert {
    condition     = aws_cloudwatch_log_group.slow.kms_key_id == var.log_key_arn && aws_cloudwatch_log_group.engine.retention_in_days == 365
    error_message = "logs are kept for a year under their key"
  }
}

run "two_nodes_stand_in_two_zones" {
  command = plan

  variables {
    nodes    = 2
    eviction = "noeviction"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.multi_az_enabled && aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "a replica that does not take over is no replica"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name           = "a-cache-whose-name-is-far-too-long-for-aws"
    subnet_ids     = ["subnet-0a1b2c3d4e5f60718"]
    node_type      = "t4g.micro"
    nodes          = 0
    eviction       = "lru"
    engine_version = "6.2"
    snapshot_days  = 40
    access_string  = "~* +@all"
    log_days       = 7
  }

  expect_failures = [
    var.name, var.subnet_ids, var.node_type, var.nodes, var.eviction, var.engine_version, var.snapshot_days,
    var.access_string, var.log_days,
  ]
}
