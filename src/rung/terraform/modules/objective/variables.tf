variable "name" {
  description = "Prefix of the alarms: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,200}$", var.name))
    error_message = "1 to 201 letters, digits and hyphens."
  }
}

variable "availability" {
  description = "Share of the requests of 30 days that must not fail, between 0 and 1: 0.9995 allows 21 minutes of outage."
  type        = number

  validation {
    condition     = var.availability >= 0.94 && var.availability < 1
    error_message = "From 0.94 (below, an outage spends the month's budget too slowly for these alarms) to less than 1 (which no budget allows)."
  }
}

variable "load_balancer_suffix" {
  description = "The load balancer whose requests are counted: app/<name>/<id>, the dimension of its metrics."
  type        = string

  validation {
    condition     = can(regex("^app/[^/]+/[^/]+$", var.load_balancer_suffix))
    error_message = "The end of an application load balancer's ARN: app/<name>/<id>."
  }
}

variable "topic_arn" {
  description = "Topic that is told when the month's error budget is gone in days (page)."
  type        = string
}

variable "runbook_url" {
  description = "Where it is written what to do; part of every message."
  type        = string

  validation {
    condition     = can(regex("^https://", var.runbook_url))
    error_message = "A runbook is an https:// address that the person who is called can open."
  }
}

variable "ticket_topic_arn" {
  description = "Topic that is told when the budget goes slowly (ticket); null: topic_arn."
  type        = string
  default     = null
}

variable "minimum_requests" {
  description = "Windows with fewer requests never ring: one failure of ten is a rate without a meaning."
  type        = number
  default     = 50

  validation {
    condition     = var.minimum_requests >= 1
    error_message = "At least one request: a rate of none does not exist."
  }
}
