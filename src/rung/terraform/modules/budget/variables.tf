variable "name" {
  description = "Name of the budget: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[^:\\\\]{1,100}$", var.name))
    error_message = "1 to 100 characters without colon and backslash."
  }
}

variable "monthly_usd" {
  description = "What a month may cost, in US dollars."
  type        = number

  validation {
    condition     = var.monthly_usd > 0
    error_message = "More than nothing: AWS bills from the first alarm on."
  }
}

variable "topic_arn" {
  description = "Topic that is told; its policy must let budgets.amazonaws.com publish."
  type        = string
}

variable "cost_tags" {
  description = "Cost-allocation tags that select what is counted, name to value; empty: the whole account. AWS counts by a tag only after it was activated in the billing console."
  type        = map(string)
  default     = {}
}
