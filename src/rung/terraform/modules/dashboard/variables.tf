variable "name" {
  description = "Name of the dashboard: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.name))
    error_message = "1 to 255 letters, digits, hyphens and underscores."
  }
}

variable "region" {
  description = "Region of the metrics."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region reads like eu-central-1 or us-gov-west-1."
  }
}

variable "groups" {
  description = "One per part: a heading and its graphs, four in a row (latency, traffic, errors, saturation). A metric is named by namespace and name, or calculated by an expression over the others' ids."
  type = list(object({
    title = string
    graphs = list(object({
      title  = string
      period = optional(number, 60)
      limit  = optional(number)
      region = optional(string)
      metrics = list(object({
        id         = optional(string)
        namespace  = optional(string)
        name       = optional(string)
        statistic  = optional(string, "Average")
        dimensions = optional(map(string), {})
        expression = optional(string)
        label      = optional(string)
        visible    = optional(bool, true)
      }))
    }))
  }))

  validation {
    condition     = length(var.groups) >= 1
    error_message = "A dashboard without a group shows nothing."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for graph in group.graphs : [
          for metric in graph.metrics : (metric.expression != null) != (metric.namespace != null && metric.name != null)
        ]
      ]
    ]))
    error_message = "A metric has either an expression, or a namespace and a name."
  }

  validation {
    condition     = sum(concat([1], [for group in var.groups : length(group.graphs) + 1])) <= 500
    error_message = "A dashboard holds 500 widgets."
  }
}

variable "alarm_arns" {
  description = "Alarms whose state stands at the top."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.alarm_arns) <= 100
    error_message = "A widget shows 100 alarms at most."
  }
}
