variable "name" {
  description = "What the name of every alarm begins with: <workload>-<environment>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,100}$", var.name))
    error_message = "name must be 1 to 101 letters, digits and hyphens."
  }
}

variable "runbooks_url" {
  description = "Folder of the runbooks; an alarm's is <runbook>.md in it."
  type        = string

  validation {
    condition     = can(regex("^https://.*[^/]$", var.runbooks_url))
    error_message = "runbooks_url must be an https:// address that does not end with a slash."
  }
}

variable "kinds" {
  description = "How things are watched, by runbook. metric: namespace, name and statistic, a space between; or metrics by id, and expression: metric math over the ids. runbook: when it is not the key."
  type = map(object({
    runbook          = optional(string)
    metric           = optional(string)
    metrics          = optional(map(string), {})
    expression       = optional(string)
    comparison       = optional(string, ">")
    period_seconds   = optional(number, 60)
    periods          = optional(number, 3)
    periods_to_alarm = optional(number, 2)
    missing          = optional(string, "notBreaching")
    severity         = optional(string, "page")
  }))

  validation {
    condition     = alltrue([for kind in var.kinds : (kind.metric != null) != (kind.expression != null && length(kind.metrics) > 0)])
    error_message = "Every kind must have either metric, or metrics and expression."
  }

  validation {
    condition     = alltrue(flatten([for kind in var.kinds : [for words in compact(concat([kind.metric], values(kind.metrics))) : length(split(" ", words)) == 3]]))
    error_message = "Every metric must be three words: namespace, name and statistic."
  }
}

variable "alarms" {
  description = "What is watched: its kind, the limit, and the dimensions of the metric."
  type        = map(map(string))

  validation {
    condition     = alltrue([for alarm in var.alarms : contains(keys(var.kinds), lookup(alarm, "kind", ""))])
    error_message = "Every alarm must have a kind, one of kinds."
  }

  validation {
    condition     = alltrue([for alarm in var.alarms : can(tonumber(alarm.limit))])
    error_message = "Every alarm must have a limit, a number."
  }
}

variable "topic_arns" {
  description = "Topic by severity (page, ticket); a severity without one tells nobody."
  type        = map(string)
  default     = {}
}
