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

variable "alarms" {
  description = "What is watched: of, the names that dimensions of metrics take (and DeadLetterQueueName); limits, by kind. The kinds are in kinds.json, each with its runbook; an alarm is called <name>-<row>-<name of the kind>."
  type = map(object({
    of     = map(string)
    limits = map(number)
  }))

  validation {
    condition     = alltrue(flatten([for row in var.alarms : [for kind in keys(row.limits) : contains(concat(keys(var.kinds), local.known), kind)]]))
    error_message = "Every key of limits must be a kind: one of kinds.json, or of kinds."
  }

  validation {
    condition     = alltrue([for row in var.alarms : length(row.of) > 0 && length(row.limits) > 0])
    error_message = "Every row must have something that it is about, and one limit at least."
  }
}

variable "kinds" {
  description = "Further ways of watching, beside those of kinds.json or in place of one. name: end of the alarm's name; dimensions: which of the metric's dimensions is which key of a row's of; metric: namespace, name and statistic, a space between; or metrics by id, and expression: metric math over the ids; runbook: when it is not the key."
  type = map(object({
    name             = string
    dimensions       = map(string)
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
  default = {}

  validation {
    condition     = alltrue([for kind in var.kinds : (kind.metric != null) != (kind.expression != null && length(kind.metrics) > 0)])
    error_message = "Every kind must have either metric, or metrics and expression."
  }

  validation {
    condition     = alltrue(flatten([for kind in var.kinds : [for words in compact(concat([kind.metric], values(kind.metrics))) : length(split(" ", words)) == 3]]))
    error_message = "Every metric must be three words: namespace, name and statistic."
  }
}

variable "topic_arns" {
  description = "Topic by severity (page, ticket); a severity without one tells nobody."
  type        = map(string)
  default     = {}
}
