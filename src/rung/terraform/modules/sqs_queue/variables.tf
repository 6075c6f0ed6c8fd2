variable "name" {
  description = "Name of the queue: <workload>-<environment>-<queue>-<lane>. Its dead-letter queue is called <name>-dlq."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,76}$", var.name))
    error_message = "1 to 76 letters, digits, hyphens and underscores: with -dlq a queue's name has at most 80 characters."
  }
}

variable "key_arn" {
  description = "Key for the messages; null: SSE with keys that SQS manages. With a key, senders need kms:Decrypt and kms:GenerateDataKey, consumers kms:Decrypt."
  type        = string
  default     = null
}

variable "visibility_timeout_seconds" {
  description = "How long a received message stays hidden: longer than the slowest handling of one."
  type        = number
  default     = 30

  validation {
    condition     = var.visibility_timeout_seconds >= 1 && var.visibility_timeout_seconds <= 43200
    error_message = "A message can be hidden for 1 to 43200 seconds (12 hours)."
  }
}

variable "retention_seconds" {
  description = "How long a message waits before SQS deletes it. The dead-letter queue keeps it for 14 days."
  type        = number
  default     = 345600

  validation {
    condition     = var.retention_seconds >= 60 && var.retention_seconds <= 1209600
    error_message = "SQS keeps messages for 60 to 1209600 seconds (14 days)."
  }
}

variable "delay_seconds" {
  description = "How long a message stays hidden after it is sent."
  type        = number
  default     = 0

  validation {
    condition     = var.delay_seconds >= 0 && var.delay_seconds <= 900
    error_message = "A message can be delayed by 0 to 900 seconds."
  }
}

variable "max_receive_count" {
  description = "Receives after which a message moves to the dead-letter queue; null: there is none, and messages are received until they expire."
  type        = number
  default     = 5

  validation {
    condition     = var.max_receive_count == null ? true : var.max_receive_count >= 1 && var.max_receive_count <= 1000
    error_message = "A message can be received 1 to 1000 times before it moves to the dead-letter queue."
  }
}

variable "senders" {
  description = "Services that send without a role of the account, each with the ARN of the rule or topic that may."
  type = list(object({
    service    = string
    source_arn = string
  }))
  default = []

  validation {
    condition     = alltrue([for sender in var.senders : contains(["events.amazonaws.com", "sns.amazonaws.com", "s3.amazonaws.com"], sender.service)])
    error_message = "Services that send to a queue by its own policy: events.amazonaws.com, sns.amazonaws.com, s3.amazonaws.com."
  }
}
