variable "name" {
  description = "Name of the queue: <workload>-<environment>-<queue>. Its lanes are called <name>-<lane>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,70}$", var.name))
    error_message = "1 to 70 letters, digits, hyphens and underscores."
  }
}

variable "lanes" {
  description = "Names of the lanes: a queue of SQS and its dead-letter queue each."
  type        = list(string)

  validation {
    condition     = length(var.lanes) > 0 && length(distinct(var.lanes)) == length(var.lanes)
    error_message = "One lane at least, and no lane twice."
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
}

variable "retention_seconds" {
  description = "How long a message waits before SQS deletes it. The dead-letter queues keep it for 14 days."
  type        = number
  default     = 345600
}

variable "delay_seconds" {
  description = "How long a message stays hidden after it is sent."
  type        = number
  default     = 0
}

variable "max_receive_count" {
  description = "Receives after which a message moves to the dead-letter queue; null: there is none, and messages are received until they expire."
  type        = number
  default     = 5
}

variable "senders" {
  description = "By lane, services that send without a role of the account, each with the ARN of the rule or topic that may."
  type = map(list(object({
    service    = string
    source_arn = string
  })))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.senders), var.lanes)) == 0
    error_message = "Senders are given by lane: every key must be one of lanes."
  }
}
