variable "name" {
  description = "Name of the table: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.name))
    error_message = "3 to 255 letters, digits, hyphens, dots and underscores."
  }
}

variable "key_arn" {
  description = "Key for items, indexes and backups."
  type        = string
}

variable "partition_key" {
  description = "Attribute that says on which partition an item is: one with many values, evenly asked for."
  type        = string
}

variable "sort_key" {
  description = "Attribute that orders the items of one partition key; null: one item per partition key."
  type        = string
  default     = null

  validation {
    condition     = var.sort_key != var.partition_key
    error_message = "The sort key is another attribute than the partition key."
  }
}

variable "number_keys" {
  description = "Keys, of the table or of an index, whose values are numbers; all others are text."
  type        = list(string)
  default     = []
}

variable "ttl_attribute" {
  description = "Attribute with the second (Unix time) after which DynamoDB deletes the item; null: none."
  type        = string
  default     = null
}

variable "billing" {
  description = "on-demand: by request, at any rate. provisioned: by capacity, for a steady load."
  type        = string
  default     = "on-demand"

  validation {
    condition     = contains(["on-demand", "provisioned"], var.billing)
    error_message = "on-demand or provisioned."
  }
}

variable "read_capacity" {
  description = "Reads of 4 KiB a second, when provisioned."
  type        = number
  default     = 5

  validation {
    condition     = var.read_capacity >= 1
    error_message = "At least one."
  }
}

variable "write_capacity" {
  description = "Writes of 1 KiB a second, when provisioned."
  type        = number
  default     = 5

  validation {
    condition     = var.write_capacity >= 1
    error_message = "At least one."
  }
}

variable "indexes" {
  description = "Other ways to find items, by name: each with keys of its own, and with all attributes."
  type = map(object({
    partition_key = string
    sort_key      = optional(string)
  }))
  default = {}

  validation {
    condition     = length(var.indexes) <= 20
    error_message = "A table has 20 global secondary indexes at most."
  }
}

variable "protected" {
  description = "Refuse deletion."
  type        = bool
  default     = true
}

variable "stream" {
  description = "Offer a stream of changes, with the item before and after."
  type        = bool
  default     = false
}
