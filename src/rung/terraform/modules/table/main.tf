locals {
  provisioned = var.billing == "provisioned"

  # Each key once, whether the table or an index has it.
  keys = distinct(concat(
    [var.partition_key],
    var.sort_key[*],
    flatten([for index in values(var.indexes) : concat([index.partition_key], index.sort_key[*])]),
  ))
}

resource "aws_dynamodb_table" "this" {
  name         = var.name
  billing_mode = local.provisioned ? "PROVISIONED" : "PAY_PER_REQUEST"
  hash_key     = var.partition_key
  range_key    = var.sort_key

  read_capacity  = local.provisioned ? var.read_capacity : null
  write_capacity = local.provisioned ? var.write_capacity : null

  deletion_protection_enabled = var.protected

  stream_enabled   = var.stream
  stream_view_type = var.stream ? "NEW_AND_OLD_IMAGES" : null

  dynamic "attribute" {
    for_each = local.keys

    content {
      name = attribute.value
      type = contains(var.number_keys, attribute.value) ? "N" : "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.partition_key
      range_key       = global_secondary_index.value.sort_key
      projection_type = "ALL"
      read_capacity   = local.provisioned ? var.read_capacity : null
      write_capacity  = local.provisioned ? var.write_capacity : null
    }
  }

  dynamic "ttl" {
    for_each = var.ttl_attribute[*]

    content {
      enabled        = true
      attribute_name = ttl.value
    }
  }

  # To any second of the last 35 days.
  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }
}
