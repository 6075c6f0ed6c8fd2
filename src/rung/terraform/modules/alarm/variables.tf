variable "name" {
  description = "Name of the alarm: <workload>-<environment>-<part>-<condition>. Two alarms of one name overwrite each other."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,254}$", var.name))
    error_message = "1 to 255 letters, digits and hyphens."
  }
}

variable "metrics" {
  description = "What is watched. id: the name in the expression; statistic: Sum, Average, Maximum, Minimum, SampleCount or a percentile such as p99."
  type = list(object({
    id         = optional(string, "m1")
    namespace  = string
    name       = string
    statistic  = string
    dimensions = optional(map(string), {})
  }))

  validation {
    condition     = length(var.metrics) >= 1 && length(var.metrics) <= 9
    error_message = "An alarm watches 1 to 9 metrics: with the expression, CloudWatch takes ten."
  }

  validation {
    condition     = length(distinct([for metric in var.metrics : metric.id])) == length(var.metrics)
    error_message = "Each metric needs an id of its own."
  }

  validation {
    condition     = alltrue([for metric in var.metrics : can(regex("^[a-z][a-zA-Z0-9_]*$", metric.id)) && metric.id != "result"])
    error_message = "An id begins with a lower-case letter and is not result, which is the expression's."
  }

  validation {
    condition     = alltrue([for metric in var.metrics : can(regex("^(Sum|Average|Maximum|Minimum|SampleCount|IQM|(p|tm|wm|ts|tc)[0-9]{1,2}(\\.[0-9]+)?)$", metric.statistic))])
    error_message = "A statistic is Sum, Average, Maximum, Minimum, SampleCount or a percentile such as p99 or p99.9."
  }
}

variable "threshold" {
  description = "The value that is compared with."
  type        = number
}

variable "runbook_url" {
  description = "Where it is written what to do; part of every message."
  type        = string

  validation {
    condition     = can(regex("^https://", var.runbook_url))
    error_message = "A runbook is an https:// address that the person who is called can open."
  }
}

variable "topic_arn" {
  description = "Topic that is told when it rings and when it is over. null: nobody, for alarms that only roll a deployment back."
  type        = string
  default     = null
}

variable "description" {
  description = "What is wrong when it rings, in one sentence."
  type        = string
  default     = "A limit is passed"

  validation {
    condition     = length(var.description) <= 600
    error_message = "At most 600 characters: with the runbook it must fit into CloudWatch's 1024."
  }
}

variable "expression" {
  description = "Metric math over the metrics' ids; null: the only metric itself."
  type        = string
  default     = null

  validation {
    condition     = var.expression != null || length(var.metrics) == 1
    error_message = "Several metrics need an expression that makes one value of them."
  }
}

variable "comparison" {
  description = "How the value is compared with the threshold: >, >=, < or <=."
  type        = string
  default     = ">"

  validation {
    condition     = contains([">", ">=", "<", "<="], var.comparison)
    error_message = "One of >, >=, < and <=."
  }
}

variable "period_seconds" {
  description = "Length of one period."
  type        = number
  default     = 60

  validation {
    condition     = contains([10, 20, 30], var.period_seconds) || var.period_seconds >= 60 && var.period_seconds % 60 == 0
    error_message = "10, 20, 30 or a multiple of 60 seconds."
  }
}

variable "periods" {
  description = "Periods that are looked at."
  type        = number
  default     = 3

  validation {
    condition     = var.periods >= 1 && var.periods * var.period_seconds <= (var.period_seconds >= 3600 ? 604800 : 86400)
    error_message = "CloudWatch looks back one day at most, seven when a period is an hour or longer."
  }
}

variable "periods_to_alarm" {
  description = "How many of them must be beyond the threshold."
  type        = number
  default     = 2

  validation {
    condition     = var.periods_to_alarm >= 1 && var.periods_to_alarm <= var.periods
    error_message = "From 1 to the number of periods."
  }
}

variable "missing" {
  description = "What silence means: notBreaching (nothing happened), breaching (it should have reported), missing or ignore."
  type        = string
  default     = "notBreaching"

  validation {
    condition     = contains(["notBreaching", "breaching", "missing", "ignore"], var.missing)
    error_message = "One of notBreaching, breaching, missing and ignore."
  }
}

variable "severity" {
  description = "page: somebody gets up; ticket: somebody looks tomorrow. It begins the description."
  type        = string
  default     = "page"

  validation {
    condition     = contains(["page", "ticket"], var.severity)
    error_message = "page or ticket."
  }
}
