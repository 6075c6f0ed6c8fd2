mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name          = "shop-prod-sessions"
  key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  partition_key = "user_id"
}

run "a_table_is_encrypted_and_comes_back" {
  command = plan

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption).kms_key_arn == var.key_arn && one(aws_dynamodb_table.this.server_side_encryption).enabled
    error_message = "items are under the given key"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.point_in_time_recovery).enabled && aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "to any second of 35 days, and not deleted by mistake"
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" && output.stream_arn == null
    error_message = "paid by request, without a stream"
  }
}

run "keys_are_declared_once" {
  command = plan

  variables {
    sort_key      = "started_at"
    number_keys   = ["started_at"]
    ttl_attribute = "ends_at"
    billing       = "provisioned"
    stream        = true
    protected     = false
    indexes = {
      by_token = { partition_key = "token" }
      by_start = { partition_key = "token", sort_key = "started_at" }
    }
  }

  assert {
    condition     = toset([for attribute in aws_dynamodb_table.this.attribute : "${attribute.name} ${attribute.type}"]) == toset(["user_id S", "started_at N", "token S"])
    error_message = "DynamoDB refuses attributes that are declared twice, or that no key uses"
  }

  assert {
    condition     = alltrue([for index in aws_dynamodb_table.this.global_secondary_index : index.read_capacity == 5]) && aws_dynamodb_table.this.write_capacity == 5
    error_message = "indexes have the table's capacity"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl).attribute_name == "ends_at" && aws_dynamodb_table.this.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "items go when their time has come, and consumers see both sides of a change"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name           = "s"
    sort_key       = "user_id"
    billing        = "free"
    read_capacity  = 0
    write_capacity = 0
    indexes        = { for index in range(21) : "by_${index}" => { partition_key = "token" } }
  }

  expect_failures = [var.name, var.sort_key, var.billing, var.read_capacity, var.write_capacity, var.indexes]
}
